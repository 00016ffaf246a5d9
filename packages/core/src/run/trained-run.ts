import type { SamplePrediction } from '../evaluate/index.ts';
import type { HeadWeights } from '../head/index.ts';
import { type RunPrediction, readRunPredictions } from './predictions.ts';
import { readRun, readRunWeights } from './read.ts';
import type { RunRecord } from './record.ts';

/** A run as far as it is needed to use it: from its folder, or just trained and not written yet. */
export interface TrainedRun {
  readonly folder: string;
  /** Names no `files` while the folder is not written. */
  readonly record: RunRecord;
  readonly weights: HeadWeights;
  /** Of the validation images. */
  readonly predictions: readonly RunPrediction[];
}

/**
 * Reads of a run folder what is needed to use it.
 *
 * @throws HeadstartError `RUN_INVALID`, `WEIGHTS_INVALID`
 * @example
 * ```ts
 * const { record, predictions } = await readTrainedRun('runs/fruit');
 * console.log(record.classes, predictions.length);
 * ```
 */
export async function readTrainedRun(folder: string): Promise<TrainedRun> {
  const run = await readRun(folder);
  return {
    ...run,
    weights: await readRunWeights(run),
    predictions: await readRunPredictions(run),
  };
}

/** Predictions as `predictions.csv` has them, without the way through the file. */
export function runPredictions(
  predictions: readonly SamplePrediction[],
  classes: readonly string[],
  hashes: readonly (string | undefined)[] = [],
): RunPrediction[] {
  return predictions.map(({ name, label, predicted, probability, labelProbability }, i) => ({
    file: name,
    hash: hashes[i] ?? '',
    label: classes[label] as string,
    predicted: classes[predicted] as string,
    probability,
    labelProbability,
  }));
}
