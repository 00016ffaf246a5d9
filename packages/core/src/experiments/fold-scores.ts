import { predictedClasses } from '../evaluate/index.ts';
import type { ExperimentHeadsOptions } from './heads.ts';
import { foldInterval, variance } from './interval.ts';
import { type FoldPlanOptions, outOfFold } from './out-of-fold.ts';
import { clustersOf } from './partition.ts';

export type FoldsOptions = Omit<ExperimentHeadsOptions, 'heads' | 'stage' | 'seed'> &
  FoldPlanOptions;

/** An accuracy by cross-validation. */
export interface FoldsResult {
  readonly folds: number;
  /** How often the images were partitioned again. */
  readonly repeats: number;
  readonly samples: number;
  /** Of all images, each classified by the head of its fold; mean over repeats. */
  readonly accuracy: number;
  /** Standard deviation of the folds' accuracies. */
  readonly deviation: number;
  /** 95 % interval of the accuracy; see {@link foldInterval}. */
  readonly interval: readonly [number, number];
  /** Of each fold, repeat by repeat. */
  readonly foldAccuracies: readonly (readonly number[])[];
  readonly trainSeconds: number;
}

/**
 * Accuracy by stratified k-fold cross-validation: each image is classified by a head that was trained
 * without it.
 *
 * @throws HeadstartError as `trainHeads`; `USAGE` where there are too few images
 */
export async function crossValidateHeads(options: FoldsOptions): Promise<FoldsResult> {
  const { images, folds, repeats } = options;
  const { samples } = images.set;
  const predicted = await outOfFold({ ...options, stage: 'folds' });
  const labels = Int32Array.from(samples, ({ label }) => label);
  const times = new Float64Array(samples.length);
  for (const probabilities of predicted.probabilities) {
    const classes = images.classes.length;
    predictedClasses({ probabilities, labels, classes }).forEach((predicted, i) => {
      if (predicted === labels[i]) times[i] = (times[i] as number) + 1;
    });
  }
  // Counted, then divided: nine ninths added up are more than 1.
  const correct = times.map((n) => n / repeats);
  const clusters = clustersOf(samples).map(({ members }) => members);
  const foldAccuracies = predicted.foldAccuracies.flat();
  return {
    folds,
    repeats,
    samples: samples.length,
    accuracy: correct.reduce((sum, c) => sum + c, 0) / samples.length,
    deviation: Math.sqrt(variance(foldAccuracies)),
    interval: foldInterval({ correct, clusters, foldAccuracies, folds }),
    foldAccuracies: predicted.foldAccuracies,
    trainSeconds: predicted.trainSeconds,
  };
}
