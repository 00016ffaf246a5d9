import { stringify } from 'csv-stringify/sync';
import {
  at,
  type Classification,
  checkClassification,
  predictedClasses,
} from './classification.ts';

/** How often each true class was called each class. */
export interface ConfusionMatrix {
  readonly classes: number;
  /** [true x predicted], row by row. */
  readonly counts: Int32Array;
}

export function confusionMatrix(classification: Classification): ConfusionMatrix {
  checkClassification(classification);
  const { labels, classes } = classification;
  const counts = new Int32Array(classes * classes);
  predictedClasses(classification).forEach((predicted, i) => {
    const cell = at(labels, i) * classes + predicted;
    counts[cell] = at(counts, cell) + 1;
  });
  return { classes, counts };
}

/** Samples of `label` that were called `predicted`. */
export function confusionCount(matrix: ConfusionMatrix, label: number, predicted: number): number {
  return at(matrix.counts, label * matrix.classes + predicted);
}

/** One row for each true class, one column for each predicted one, with headings. */
export function confusionCsv(matrix: ConfusionMatrix, names: readonly string[]): string {
  const rows = names.map((name, label) => [
    name,
    ...names.map((_, predicted) => confusionCount(matrix, label, predicted)),
  ]);
  return stringify([['true \\ predicted', ...names], ...rows]);
}
