import { join } from 'node:path';
import { writeFileAtomically } from '../atomic-file.ts';
import { HeadstartError } from '../errors.ts';
import type { TrainedHead, TrainHeadOptions } from '../head/index.ts';
import { runFiles } from '../run/index.ts';
import { crossValidate, poolsFirst, type StudyImages } from '../study/index.ts';
import { checkCount } from './counts.ts';
import { type FoldsSummary, summarizeFolds } from './folds.ts';
import { isPooledOnce } from './pooled-features.ts';
import { extractStudyImages, studyViews } from './study-data.ts';
import type { TrainJobOptions } from './train-options.ts';
import type { TrainingData } from './training-data.ts';

export const defaultFolds = 5;

/** Cross-validation that nobody asked for may take as long as this. */
const mostSeconds = 3;

/** Where nothing was computed to measure it by: a view's features on a slow machine. */
const secondsPerViewUnknown = 0.05;

/** A pass over pooled features costs at most this share of one over feature maps. */
const pooledShare = 1 / 8;

export interface TrainFolds {
  readonly folds: FoldsSummary | null;
  /** Why there are none. */
  readonly folds_left_out: string | null;
}

type Settings = Omit<TrainHeadOptions, 'train' | 'validation' | 'classes' | 'onEpoch'>;

/**
 * Cross-validates on the training images of a run that is written: the same options, a head a fold.
 * Unless it was asked for, it is left out where it would take more than a few seconds. An abort
 * leaves it out too: the run is there.
 */
export async function foldsOfRun(
  folder: string,
  options: TrainJobOptions,
  settings: Settings,
  data: TrainingData,
  trained: TrainedHead,
): Promise<TrainFolds> {
  const { folds = defaultFolds, seeds = 1, signal, onNotice } = options;
  if (folds === false) return leftOut('--no-folds was given');
  const asked = options.folds !== undefined || options.seeds !== undefined;
  const obstacle = foldsObstacle(options);
  if (obstacle !== undefined) return announce(obstacle, onNotice);
  const seconds = estimate(options, settings, data, trained);
  if (!asked && seconds > mostSeconds) {
    return announce(
      `it would take some ${Math.ceil(seconds)} s; --folds ${folds} does it`,
      onNotice,
    );
  }
  try {
    const images = await imagesOf(data, options);
    const result = await crossValidate({
      ...settings,
      images,
      folds,
      repeats: seeds,
      seed: options.seed ?? 0,
      onProgress: options.onProgress,
      signal,
    });
    const summary = summarizeFolds(result);
    const text = `${JSON.stringify(summary, null, 2)}\n`;
    await writeFileAtomically(join(folder, runFiles.folds), text);
    return { folds: summary, folds_left_out: null };
  } catch (error) {
    if (signal?.aborted) return announce('it was interrupted; the run is complete', onNotice);
    const fewImages = error instanceof HeadstartError && error.code === 'USAGE';
    if (asked || !fewImages) throw error;
    return announce(error.message.replace(/\.$/, ''), onNotice);
  }
}

function leftOut(reason: string): TrainFolds {
  return { folds: null, folds_left_out: reason };
}

function announce(reason: string, onNotice: TrainJobOptions['onNotice']): TrainFolds {
  onNotice?.({ level: 'info', text: `Cross-validation is left out: ${reason}` });
  return leftOut(reason);
}

/** Why there can be no cross-validation of such a run, if it cannot be. */
function foldsObstacle({ data, views, init }: TrainJobOptions): string | undefined {
  if (init !== undefined) return 'the weights of --init may have seen the images of any fold';
  if (data === undefined || views !== 'exact') return undefined;
  return 'with --views exact each fold would compute views of its own';
}

/** @throws HeadstartError `USAGE` where it was asked for and cannot be */
export function checkFolds(options: TrainJobOptions): void {
  const { folds, seeds } = options;
  checkCount('--folds', folds === false ? undefined : folds, 2);
  checkCount('--seeds', seeds, 1);
  const asked = typeof folds === 'number' || seeds !== undefined;
  const obstacle = asked && folds !== false ? foldsObstacle(options) : undefined;
  if (obstacle === undefined) return;
  throw new HeadstartError(
    'USAGE',
    `There can be no cross-validation here: ${obstacle}. Leave out --folds and --seeds.`,
  );
}

/** Seconds, from what training and features took in this run. */
function estimate(
  { folds = defaultFolds, seeds = 1, ...options }: TrainJobOptions,
  { head }: Settings,
  data: TrainingData,
  { timing }: TrainedHead,
): number {
  const { images, extractor, counts, seconds } = data;
  const missing = extractor?.missing(images, studyViews(optionsOfViews(options))) ?? 0;
  const perView = counts.computed > 0 ? seconds / counts.computed : secondsPerViewUnknown;
  const share = head && poolsFirst(head) && !isPooledOnce(head, data) ? pooledShare : 1;
  return missing * perView + Number(folds) * seeds * timing.trainSeconds * share;
}

function optionsOfViews({
  augment,
  views,
  seed,
  groupBy,
}: Pick<TrainJobOptions, 'augment' | 'views' | 'seed' | 'groupBy'>) {
  return { augment, seed, groupBy, views: typeof views === 'number' ? views : undefined };
}

async function imagesOf(data: TrainingData, options: TrainJobOptions): Promise<StudyImages> {
  const { extractor, images, train, classes } = data;
  if (extractor) {
    const { set } = await extractStudyImages(extractor, images, optionsOfViews(options));
    return { set, classes };
  }
  if ('chunks' in train) return { set: train, classes };
  throw new HeadstartError('INTERNAL', 'There are no features to cross-validate on.');
}
