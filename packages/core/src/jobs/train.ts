import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HeadstartError, reasonOf } from '../errors.ts';
import { type Evaluation, evaluateClassification } from '../evaluate/index.ts';
import {
  type EpochRecord,
  loadHeadSpec,
  readHeadWeights,
  type TrainedHead,
  type TrainHeadOptions,
  trainHead,
} from '../head/index.ts';
import { type RunRecord, writeRun } from '../run/index.ts';
import { software } from '../version.ts';
import { checkpointFile, chooseRunFolder, type RunFolder } from './run-folder.ts';
import { openTrainingData, type TrainingData, type TrainingDataOptions } from './training-data.ts';

export interface TrainJobOptions extends Omit<TrainingDataOptions, 'head'> {
  /** `conv` (default), `linear`, `mlp`, or a JSON file that describes the layers. */
  readonly head?: string | undefined;
  /** Weights to start from: safetensors with Keras names. */
  readonly init?: string | undefined;
  /** The run folder; default `runs/<name of the data>`. */
  readonly out?: string | undefined;
  /** Fail where there is no interrupted run to go on with. Default false. */
  readonly resume?: boolean | undefined;
  readonly onEpoch?: ((record: EpochRecord, epochs: number) => void) | undefined;
  /** What `run.json` records as the arguments; default: these options. */
  readonly recordedArguments?: Readonly<Record<string, unknown>> | undefined;
}

/** What `train --json` prints. */
export interface TrainSummary {
  readonly run: string;
  readonly device: { readonly features: string | null; readonly training: string };
  readonly backbone: string | null;
  readonly untrained: boolean;
  readonly classes: readonly string[];
  readonly epochs: number;
  readonly best_epoch: number;
  readonly stopped_by: TrainedHead['stoppedBy'];
  readonly train: { readonly loss: number; readonly accuracy: number };
  readonly validation: {
    readonly loss: number;
    readonly accuracy: number;
    /** 95 % interval of the accuracy. */
    readonly interval: readonly [number, number];
  };
  readonly features: { readonly computed: number; readonly reused: number };
  readonly timing: {
    readonly features_s: number;
    readonly train_s: number;
    readonly per_epoch_s: number;
  };
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
}

/**
 * From a folder of images (or feature files) to a run folder: features where they are missing,
 * then the head. An interrupted job goes on where it was: features are in the cache, and training
 * goes on from its checkpoint in the run folder.
 *
 * @throws HeadstartError for everything that can be wrong with the input; `signal.reason` where aborted
 */
export async function trainJob(options: TrainJobOptions): Promise<TrainSummary> {
  const started = performance.now();
  const source = options.data ?? options.features ?? '';
  const place = await chooseRunFolder(source, options.out);
  if (options.resume && !place.interrupted) {
    throw new HeadstartError('USAGE', `There is no interrupted run in ${place.folder} to resume.`);
  }
  const head = await loadHeadSpec(options.head ?? 'conv');
  await makeWritable(place.folder);
  // A feature file has one row an image: nothing to draw views from.
  const views = options.data !== undefined && options.augment ? (options.views ?? 4) : 'none';
  const settings = { ...options, head, views };
  await using data = await openTrainingData(settings);
  announceFeatures(data, options);
  const init = options.init === undefined ? undefined : await readHeadWeights(options.init);
  const trained = await trainResumable({ ...settings, init }, data, place);
  const evaluation = evaluateClassification({
    probabilities: trained.validation.probabilities,
    labels: Int32Array.from(data.validation.samples, ({ label }) => label),
    names: data.validation.samples.map(({ name }) => name),
    classes: data.classes,
  });
  const seconds = (performance.now() - started) / 1000;
  const record = runRecord(options, data, trained, evaluation, seconds);
  await writeRun(place.folder, {
    record,
    weights: trained.weights,
    history: trained.history,
    evaluation,
    skipped: data.skipped,
    backbonePath: data.extractor?.backbone.path,
    signal: options.signal,
  });
  await rm(join(place.folder, checkpointFile), { force: true });
  return summarize(place.folder, record, data);
}

async function makeWritable(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new HeadstartError(
      'OUTPUT_UNWRITABLE',
      `Cannot write the run to ${folder}: ${reasonOf(error)}. Choose another place with --out.`,
      { cause: error },
    );
  }
}

function announceFeatures(data: TrainingData, { onNotice }: TrainJobOptions): void {
  const { counts, extractor, train } = data;
  if (!extractor) return;
  const text =
    'chunks' in train
      ? `Features: ${counts.computed} computed, ${counts.reused} from the cache`
      : 'Features of training views are computed epoch by epoch';
  onNotice?.({ level: 'info', text });
}

/** Goes on with an interrupted run; one of other options or data is not this one, and is replaced. */
async function trainResumable(
  options: Omit<TrainHeadOptions, 'train' | 'validation' | 'classes' | 'onEpoch'> & TrainJobHooks,
  data: TrainingData,
  { folder, interrupted }: RunFolder,
): Promise<TrainedHead> {
  const run = (resume: boolean) =>
    trainHead({
      ...options,
      train: data.train,
      validation: data.validation,
      classes: data.classes,
      onEpoch: (record) => options.onEpoch?.(record, options.epochs ?? 50),
      checkpoint: {
        path: join(folder, checkpointFile),
        resume,
        featuresId: data.featuresId,
      },
    });
  if (!interrupted) return run(false);
  try {
    options.onNotice?.({ level: 'info', text: `Going on with the interrupted run in ${folder}` });
    return await run(true);
  } catch (error) {
    const other = error instanceof HeadstartError && error.code === 'USAGE';
    if (!other || options.resume) throw error;
    options.onNotice?.({
      level: 'warning',
      text: `${error.message} It is replaced by a new run.`,
    });
    return run(false);
  }
}

type TrainJobHooks = Pick<TrainJobOptions, 'onEpoch' | 'onNotice' | 'resume'>;

function runRecord(
  options: TrainJobOptions,
  data: TrainingData,
  trained: TrainedHead,
  evaluation: Evaluation,
  seconds: number,
): Omit<RunRecord, 'format' | 'version' | 'files'> {
  const backbone = data.extractor?.backbone;
  const { loss, accuracy } = trained.validation;
  return {
    created: new Date().toISOString(),
    software,
    arguments: options.recordedArguments ?? plainArguments(options),
    seed: options.seed ?? 0,
    classes: data.classes,
    image: backbone && {
      height: backbone.input.height,
      width: backbone.input.width,
      resize: options.resize ?? 'bilinear',
    },
    backbone: backbone && {
      name: backbone.name,
      sha256: backbone.sha256,
      untrained: backbone.untrained,
      preprocessing: backbone.preprocessing,
      layer: backbone.layer,
      source: backbone.source,
      featureShape: backbone.featureShape,
    },
    head: trained.head,
    data: {
      root: data.source,
      trainSamples: data.train.samples.length,
      validationSamples: data.validation.samples.length,
      validationFrom: data.validationFrom,
      skippedFiles: data.skipped.length,
      warnings: data.warnings,
    },
    device: { extraction: backbone?.device, training: trained.backend.description },
    result: {
      epochs: trained.history.length,
      bestEpoch: trained.bestEpoch,
      keptEpoch: trained.keptEpoch,
      stoppedBy: trained.stoppedBy,
      monitor: options.earlyStopping?.monitor ?? 'val_accuracy',
      train: trained.training,
      validation: { loss, accuracy, interval: evaluation.metrics.interval },
    },
    timing: {
      featuresSeconds: data.seconds,
      trainSeconds: trained.timing.trainSeconds,
      secondsPerEpoch: trained.timing.secondsPerEpoch,
      totalSeconds: seconds,
    },
  };
}

/** The options that are values: not the callbacks and the signal. */
function plainArguments(options: TrainJobOptions): Record<string, unknown> {
  const plain = ([name, value]: [string, unknown]) =>
    typeof value !== 'function' && name !== 'signal' && value !== undefined;
  return Object.fromEntries(Object.entries(options).filter(plain));
}

function summarize(
  folder: string,
  record: Omit<RunRecord, 'format' | 'version' | 'files'>,
  data: TrainingData,
): TrainSummary {
  const { result, timing, device, backbone } = record;
  return {
    run: folder,
    device: { features: device.extraction ?? null, training: device.training },
    backbone: backbone?.name ?? null,
    untrained: backbone?.untrained ?? false,
    classes: record.classes,
    epochs: result.epochs,
    best_epoch: result.bestEpoch,
    stopped_by: result.stoppedBy,
    train: result.train,
    validation: result.validation,
    features: data.counts,
    timing: {
      features_s: timing.featuresSeconds,
      train_s: timing.trainSeconds,
      per_epoch_s: timing.secondsPerEpoch,
    },
    skipped: data.skipped.map(({ path, reason }) => ({ file: path, reason })),
  };
}
