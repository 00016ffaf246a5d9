import { csvText } from '../base/csv.ts';
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

/** A pair of classes that occurred together, the same one twice where it was called right. */
export interface ConfusionCell {
  readonly label: number;
  readonly predicted: number;
  /** Above 0. */
  readonly count: number;
}

/** The cells of the matrix that are not empty, row by row: no more than there are samples. */
export function* confusionCells({ counts }: ConfusionMatrix): Generator<ConfusionCell> {
  for (const [label, row] of counts.entries()) {
    for (let predicted = 0; predicted < row.length; predicted++) {
      const count = row[predicted] as number;
      if (count > 0) yield { label, predicted, count };
    }
  }
}

/** One row for each true class, one column for each predicted one, with headings. */
export function confusionCsv({ counts }: ConfusionMatrix, names: readonly string[]): string {
  const head = csvText([['true \\ predicted', ...names]]);
  // Numbers need no quotes: of 3,000 classes there are nine million.
  const rows = names.map((name, label) => {
    return `${csvText([[name]]).trimEnd()},${counts[label]?.join(',')}\n`;
  });
  return `${head}${rows.join('')}`;
}
