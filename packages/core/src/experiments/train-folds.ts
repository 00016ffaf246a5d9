import { join } from 'node:path';
import { writeFileAtomically } from '../base/atomic-file.ts';
import { HeadstartError } from '../base/errors.ts';
import { defaultHead, isPooledOnce, poolsFirst } from '../head/index.ts';
import { checkOptions, runOptions } from '../options/index.ts';
import { runFiles } from '../run/index.ts';
import {
  lent,
  openTrainingData,
  type TrainingData,
  type TrainOptions,
  type TrainSettings,
  type TrainSummary,
  trainOn,
} from '../train/index.ts';
import { type FoldsSummary, summarizeFolds } from './cross-validate.ts';
import { experimentViews, extractExperimentImages } from './experiment-data.ts';
import { crossValidateHeads } from './fold-scores.ts';
import type { ExperimentImages } from './heads.ts';

const defaultFolds = 5;

/** Cross-validation that nobody asked for may take as long as this. */
const mostSeconds = 3;

/** Where nothing was computed to measure it by: a view's features on a slow machine. */
const secondsPerViewUnknown = 0.05;

/** A pass over pooled features costs at most this share of one over feature maps. */
const pooledShare = 1 / 8;

export interface TrainFoldsOptions extends TrainOptions {
  /**
   * Folds of the cross-validation that follows; `false` for none. Default: 5 where they cost no more
   * than a few seconds.
   */
  readonly folds?: number | false | undefined;
  /** How often it partitions the images again; default 1. */
  readonly seeds?: number | undefined;
}

export interface TrainFolds {
  readonly folds: FoldsSummary | null;
  /** Why there are none. */
  readonly foldsLeftOut: string | null;
}

/**
 * Trains a run, then cross-validates on its training images: the same options, a head for each fold.
 * Unless cross-validation was asked for, it is left out where it would take more than a few seconds.
 * An abort leaves it out too: the run is there.
 *
 * @throws HeadstartError as `train`, and `USAGE` where folds were asked for and cannot be
 * @example
 * ```ts
 * const { run, folds } = await trainAndCrossValidate({ data: 'fruit', backbone: 'vgg16', folds: 5 });
 * console.log(run, folds?.interval);
 * ```
 */
export async function trainAndCrossValidate(
  options: TrainFoldsOptions,
): Promise<TrainSummary & TrainFolds> {
  checkFolds(options);
  const opened: Opened[] = [];
  const open = async (settings: TrainSettings) => {
    const data = await openTrainingData(settings);
    opened.push({ settings, data });
    return lent(data);
  };
  try {
    const summary = await trainOn(open, options);
    return { ...summary, ...(await foldsOfRun(options, { ...(opened[0] as Opened), ...summary })) };
  } finally {
    await opened[0]?.data[Symbol.asyncDispose]();
  }
}

/** What a run was trained on, which stays open after it. */
interface Opened {
  readonly settings: TrainSettings;
  readonly data: TrainingData;
}

type TrainedRun = Opened & Pick<TrainSummary, 'run' | 'timing'>;

async function foldsOfRun(options: TrainFoldsOptions, trained: TrainedRun): Promise<TrainFolds> {
  const { run, settings, data } = trained;
  const { folds = defaultFolds, seeds = 1, signal, onNotice } = options;
  if (folds === false) return leftOut('`folds` is false');
  const asked = options.folds !== undefined || options.seeds !== undefined;
  const obstacle = foldsObstacle(options);
  if (obstacle !== undefined) return announce(obstacle, onNotice);
  const seconds = estimate(options, trained);
  if (!asked && seconds > mostSeconds) {
    return announce(
      `it would take some ${Math.ceil(seconds)} s; \`folds\` ${folds} does it`,
      onNotice,
    );
  }
  try {
    const images = await imagesOf(data, options);
    const { onEpoch: _, init: __, ...training } = settings;
    const result = await crossValidateHeads({
      ...training,
      images,
      folds,
      repeats: seeds,
      seed: options.seed ?? 0,
      onProgress: options.onProgress,
      signal,
    });
    const summary = summarizeFolds(result);
    await writeFileAtomically(join(run, runFiles.folds), foldsFile(summary));
    return { folds: summary, foldsLeftOut: null };
  } catch (error) {
    if (signal?.aborted) return announce('it was interrupted; the run is complete', onNotice);
    const fewImages = error instanceof HeadstartError && error.code === 'USAGE';
    if (asked || !fewImages) throw error;
    return announce(error.message.replace(/\.$/, ''), onNotice);
  }
}

/** What `folds.json` holds. */
function foldsFile({ foldAccuracies, trainSeconds, ...summary }: FoldsSummary): string {
  const document = { ...summary, fold_accuracies: foldAccuracies, train_s: trainSeconds };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function leftOut(reason: string): TrainFolds {
  return { folds: null, foldsLeftOut: reason };
}

function announce(reason: string, onNotice: TrainOptions['onNotice']): TrainFolds {
  onNotice?.({ level: 'info', text: `Cross-validation is left out: ${reason}` });
  return leftOut(reason);
}

/** Why there can be no cross-validation of such a run, if it cannot be. */
function foldsObstacle({ data, views, init }: TrainOptions): string | undefined {
  if (init !== undefined) return 'the weights of `init` may have seen the images of any fold';
  if (data === undefined || views !== 'exact') return undefined;
  return 'with `views` exact each fold would compute views of its own';
}

/** @throws HeadstartError `USAGE` where it was asked for and cannot be */
function checkFolds(options: TrainFoldsOptions): void {
  const { folds, seeds } = options;
  checkOptions(runOptions, { folds, seeds });
  const asked = typeof folds === 'number' || seeds !== undefined;
  const obstacle = asked && folds !== false ? foldsObstacle(options) : undefined;
  if (obstacle === undefined) return;
  throw new HeadstartError(
    'USAGE',
    `There can be no cross-validation here: ${obstacle}. Leave out \`folds\` and \`seeds\`.`,
    { option: 'folds' },
  );
}

/** Seconds, from what training and features took in this run. */
function estimate(
  { folds = defaultFolds, seeds = 1, ...options }: TrainFoldsOptions,
  { settings, data, timing }: TrainedRun,
): number {
  const { images, extractor, counts, seconds } = data;
  const missing = extractor?.missing(images, experimentViews(optionsOfViews(options))) ?? 0;
  const perView = counts.computed > 0 ? seconds / counts.computed : secondsPerViewUnknown;
  const { head = defaultHead(data.train.shape) } = settings;
  const share = poolsFirst(head) && !isPooledOnce(head, data) ? pooledShare : 1;
  return missing * perView + Number(folds) * seeds * timing.trainSeconds * share;
}

function optionsOfViews({
  augment,
  views,
  seed,
  groupBy,
}: Pick<TrainOptions, 'augment' | 'views' | 'seed' | 'groupBy'>) {
  return { augment, seed, groupBy, views: typeof views === 'number' ? views : undefined };
}

async function imagesOf(data: TrainingData, options: TrainOptions): Promise<ExperimentImages> {
  const { extractor, images, train, classes } = data;
  if (extractor) {
    const { set } = await extractExperimentImages(extractor, images, optionsOfViews(options));
    return { set, classes };
  }
  if ('chunks' in train) return { set: train, classes };
  throw new HeadstartError('INTERNAL', 'There are no features to cross-validate on.');
}
