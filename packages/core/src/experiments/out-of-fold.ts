import { HeadstartError } from '../base/errors.ts';
import type { HeadVariation } from '../head/index.ts';
import { type ExperimentHeadsOptions, trainExperimentHeads } from './heads.ts';
import { assignFolds, clustersOf, type FoldSample, splitByFold } from './partition.ts';

export interface FoldPlanOptions {
  /** At least 2. */
  readonly folds: number;
  /** How often the images are partitioned again. */
  readonly repeats: number;
  /** Repeat r has the seed `seed + r`, for partition and heads. */
  readonly seed: number;
  /** Samples that are classified, but neither trained on nor used to choose the epoch. */
  readonly leftOut?: ReadonlySet<number> | undefined;
}

/** Of a fold's training images, one in this many chooses the epoch, as in `train`. */
const stoppingShare = 5;

/**
 * One head for each fold and repeat, repeat by repeat. Each is trained as `train` does on the images of the
 * other folds, a fifth of which choose its epoch: the images of its own fold decide nothing.
 *
 * @throws HeadstartError `USAGE` where there are too few images
 */
export function planFolds(
  samples: readonly FoldSample[],
  options: FoldPlanOptions,
): HeadVariation[] {
  const { folds, repeats, seed, leftOut } = options;
  return Array.from({ length: repeats }, (_, repeat) => {
    const own = seed + repeat;
    const assigned = assignFolds(samples, { folds, seed: own });
    return Array.from({ length: folds }, (_, fold) => {
      const { inside, outside: others } = splitByFold(assigned, fold);
      const outside = leftOut ? others.filter((i) => !leftOut.has(i)) : others;
      return { seed: own, ...stoppingSplit(samples, outside, own), testSamples: inside };
    });
  }).flat();
}

/** A part of the samples to train on, and one that chooses the epoch. */
function stoppingSplit(samples: readonly FoldSample[], chosen: Int32Array, seed: number) {
  const own = Array.from(chosen, (i) => samples[i] as FoldSample);
  const parts = Math.min(stoppingShare, clustersOf(own).length);
  if (parts < 2) {
    throw new HeadstartError(
      'USAGE',
      'There are too few images for folds: those of the other folds must be at least two that differ ' +
        '(or two groups), one to train on and one to choose the epoch. Add images.',
    );
  }
  const { inside, outside } = splitByFold(assignFolds(own, { folds: parts, seed }), 0);
  const named = (places: Int32Array) => places.map((i) => chosen[i] as number);
  return { trainSamples: named(outside), validationSamples: named(inside) };
}

/** Predictions for each image by heads that did not see it. */
export interface OutOfFold {
  /** For each repeat [samples x classes]: every image classified by the head of its fold. */
  readonly probabilities: readonly Float32Array[];
  /** The accuracy of each fold, repeat by repeat. */
  readonly foldAccuracies: readonly (readonly number[])[];
  readonly trainSeconds: number;
}

/** Trains a head for each fold and collects the predictions for its own fold. */
export async function outOfFold(
  options: Omit<ExperimentHeadsOptions, 'heads'> & FoldPlanOptions,
): Promise<OutOfFold> {
  const { images, folds, repeats, leftOut: _, ...training } = options;
  const { samples } = images.set;
  const heads = planFolds(samples, options);
  const started = performance.now();
  const trained = await trainExperimentHeads({ ...training, images, heads });
  const classes = images.classes.length;
  const probabilities = Array.from(
    { length: repeats },
    () => new Float32Array(samples.length * classes),
  );
  const foldAccuracies: number[][] = probabilities.map(() => []);
  trained.forEach(({ test }, head) => {
    const repeat = Math.floor(head / folds);
    const target = probabilities[repeat] as Float32Array;
    heads[head]?.testSamples?.forEach((sample, row) => {
      const own = test?.probabilities.subarray(row * classes, (row + 1) * classes);
      target.set(own as Float32Array, sample * classes);
    });
    foldAccuracies[repeat]?.push(test?.accuracy as number);
  });
  const trainSeconds = (performance.now() - started) / 1000;
  return { probabilities, foldAccuracies, trainSeconds };
}
