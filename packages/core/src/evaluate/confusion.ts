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
  /** [true][predicted] */
  readonly counts: readonly (readonly number[])[];
}

export function confusionMatrix(classification: Classification): ConfusionMatrix {
  checkClassification(classification);
  const { labels, classes } = classification;
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  predictedClasses(classification).forEach((predicted, i) => {
    const row = counts[at(labels, i)] as number[];
    row[predicted] = (row[predicted] as number) + 1;
  });
  return { classes, counts };
}

/** Samples of `label` that were called `predicted`. */
export function confusionCount(matrix: ConfusionMatrix, label: number, predicted: number): number {
  return matrix.counts[label]?.[predicted] ?? 0;
}

/** One row for each true class, one column for each predicted one, with headings. */
export function confusionCsv(matrix: ConfusionMatrix, names: readonly string[]): string {
  const rows = names.map((name, label) => [
    name,
    ...names.map((_, predicted) => confusionCount(matrix, label, predicted)),
  ]);
  return stringify([['true \\ predicted', ...names], ...rows]);
}
