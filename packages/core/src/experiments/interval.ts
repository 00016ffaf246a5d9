import { wilsonInterval } from '../evaluate/index.ts';

export interface CrossValidated {
  /** For each sample the share of repeats in which it was classified correctly. */
  readonly correct: Float64Array;
  /** Samples that are not independent draws, as pictures of one group: indices of each. */
  readonly clusters: readonly (readonly number[])[];
  /** Accuracy of every fold of every repeat. */
  readonly foldAccuracies: readonly number[];
  readonly folds: number;
}

/**
 * The 95 % interval of an accuracy by cross-validation: Wilson's, for as many independent samples as
 * would vary as much.
 *
 * Two things make the accuracy vary. Which images are classified: the variance of the mean
 * over all samples, clusters as one draw each. And which images the heads were trained on: what the
 * folds' accuracies vary more than images alone explain, times (1/k + 1/(k - 1)). That factor is of
 * C. Nadeau and Y. Bengio, "Inference for the generalization error" (Machine Learning 52, 2003):
 * training sets of folds overlap, so that their mean does not gain from all k. Their interval takes
 * the whole variance of the folds times it, and is twice as wide as it need be for heads that are
 * stable; an interval from the folds' standard error (S. Bates, T. Hastie and R. Tibshirani,
 * "Cross-validation: what does it estimate and how well does it do it?", JASA 2024) is too narrow.
 * `bench/study/coverage.mjs` shows how often each holds the truth.
 */
export function foldInterval(measured: CrossValidated): readonly [number, number] {
  const { correct, clusters, foldAccuracies, folds } = measured;
  const n = correct.length;
  const mean = correct.reduce((sum, c) => sum + c, 0) / n;
  const binomial = mean * (1 - mean);
  if (binomial <= 0) return wilsonInterval(mean * clusters.length, clusters.length);
  const ofImages = Math.max(clusterVariance(measured, mean), binomial / n);
  const explained = ofImages * folds;
  const excess = Math.max(0, variance(foldAccuracies) - explained);
  const total = ofImages + excess * (1 / folds + 1 / (folds - 1));
  const effective = Math.max(1, binomial / total);
  return wilsonInterval(mean * effective, effective);
}

/** Of the mean over samples, where only clusters are independent of one another. */
function clusterVariance({ correct, clusters }: CrossValidated, mean: number): number {
  if (clusters.length === correct.length) return 0;
  let squares = 0;
  for (const members of clusters) {
    squares += members.reduce((sum, i) => sum + (correct[i] as number) - mean, 0) ** 2;
  }
  return squares / correct.length ** 2;
}

/** Of a sample of the values: divided by n - 1. */
export function variance(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1);
}
