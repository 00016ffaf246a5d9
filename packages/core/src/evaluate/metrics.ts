import { at, type Classification, checkClassification } from './classification.ts';
import { type ConfusionMatrix, confusionCells, confusionCount } from './confusion.ts';

/** The normal distribution's 97.5 % quantile: bounds of a 95 % interval. */
const z95 = 1.959963984540054;

/** Probabilities below this count as this in the log-loss: float32's spacing at 1, as scikit-learn. */
const leastProbability = 2 ** -23;

/**
 * Wilson's score interval for a proportion (E. B. Wilson, "Probable Inference, the Law of
 * Succession, and Statistical Inference", JASA 22, 1927): stays within 0..1 and is right for small
 * counts and for proportions of 0 and 1.
 *
 * @returns lower and upper bound of the 95 % interval
 */
export function wilsonInterval(successes: number, trials: number): readonly [number, number] {
  if (trials === 0) return [0, 1];
  const p = successes / trials;
  const z2 = z95 * z95;
  const scale = 1 / (1 + z2 / trials);
  const centre = scale * (p + z2 / (2 * trials));
  const half = scale * z95 * Math.sqrt((p * (1 - p)) / trials + z2 / (4 * trials * trials));
  return [
    successes === 0 ? 0 : Math.max(0, centre - half),
    successes === trials ? 1 : Math.min(1, centre + half),
  ];
}

/** Correctly classified samples, and all. */
export function totals(matrix: ConfusionMatrix): { correct: number; total: number } {
  let [correct, total] = [0, 0];
  for (let k = 0; k < matrix.classes; k++) correct += confusionCount(matrix, k, k);
  for (const { count } of confusionCells(matrix)) total += count;
  return { correct, total };
}

export interface ClassScore {
  /** Of what was called this class, the share that is; 0 where nothing was called so. */
  readonly precision: number;
  /** Of this class, the share that was called so; null where the class has no samples. */
  readonly recall: number | null;
  /** Harmonic mean of the two; null where the class has no samples. */
  readonly f1: number | null;
  /** Samples of this class. */
  readonly support: number;
  /** Samples that were called this class. */
  readonly predicted: number;
}

/**
 * Precision, recall and F1 of each class. A precision or F1 of 0/0 is 0, as in scikit-learn's
 * `precision_recall_fscore_support`; what cannot be known of a class without samples is null.
 */
export function classScores(matrix: ConfusionMatrix): ClassScore[] {
  return Array.from({ length: matrix.classes }, (_, k) => {
    let [support, predicted] = [0, 0];
    for (let other = 0; other < matrix.classes; other++) {
      support += confusionCount(matrix, k, other);
      predicted += confusionCount(matrix, other, k);
    }
    const hits = confusionCount(matrix, k, k);
    const precision = predicted === 0 ? 0 : hits / predicted;
    if (support === 0) return { precision, recall: null, f1: null, support, predicted };
    const f1 = (2 * hits) / (support + predicted);
    return { precision, recall: hits / support, f1, support, predicted };
  });
}

export interface MeanScore {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

/**
 * Means over the classes that have samples: `macro` counts every class the same, `weighted` by its
 * support.
 */
export function meanScores(scores: readonly ClassScore[]): {
  macro: MeanScore;
  weighted: MeanScore;
} {
  const present = scores.filter((score) => score.support > 0);
  const mean = (weigh: (score: ClassScore) => number): MeanScore => {
    const total = present.reduce((sum, score) => sum + weigh(score), 0);
    const of = (value: (score: ClassScore) => number) =>
      present.reduce((sum, score) => sum + weigh(score) * value(score), 0) / total;
    return {
      precision: of((s) => s.precision),
      recall: of((s) => s.recall as number),
      f1: of((s) => s.f1 as number),
    };
  };
  return { macro: mean(() => 1), weighted: mean((score) => score.support) };
}

/** Mean of -ln(probability of the true class), as scikit-learn's `log_loss` of float32 numbers. */
export function logLoss(classification: Classification): number {
  checkClassification(classification);
  const { probabilities, labels, classes } = classification;
  let sum = 0;
  labels.forEach((label, i) => {
    sum -= Math.log(Math.max(leastProbability, at(probabilities, i * classes + label)));
  });
  return sum / labels.length;
}

/**
 * Mean squared distance of the probabilities from the truth, summed over the classes: 0 to 2 (G. W.
 * Brier, "Verification of Forecasts Expressed in Terms of Probability", Monthly Weather Review 78,
 * 1950).
 */
export function brierScore(classification: Classification): number {
  checkClassification(classification);
  const { probabilities, labels, classes } = classification;
  let sum = 0;
  labels.forEach((label, i) => {
    for (let k = 0; k < classes; k++) {
      sum += (at(probabilities, i * classes + k) - (k === label ? 1 : 0)) ** 2;
    }
  });
  return sum / labels.length;
}

/** Share of samples whose class is among the k most probable; the lower class first among equals. */
export function topKAccuracy(classification: Classification, k: number): number {
  checkClassification(classification);
  const { probabilities, labels, classes } = classification;
  let hits = 0;
  labels.forEach((label, i) => {
    const own = at(probabilities, i * classes + label);
    let ahead = 0;
    for (let other = 0; other < classes; other++) {
      const p = at(probabilities, i * classes + other);
      if (p > own || (p === own && other < label)) ahead++;
    }
    if (ahead < k) hits++;
  });
  return hits / labels.length;
}
