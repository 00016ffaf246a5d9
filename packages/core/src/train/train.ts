import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HeadstartError } from '../base/errors.ts';
import { makeOutputFolder } from '../base/output-folder.ts';
import { imagesRoot } from '../dataset/index.ts';
import { type Evaluation, evaluateClassification, fitTemperature } from '../evaluate/index.ts';
import {
  checkTrainingOptions,
  chooseTrainer,
  defaultHead,
  describeTrainer,
  featuresFor,
  type HeadSpec,
  inputShapeOf,
  loadHeadSpec,
  readHeadWeights,
  type TrainedHead,
  type TrainHeadOptions,
  trainHead,
} from '../head/index.ts';
import { checkOptions, runOptions } from '../options/index.ts';
import {
  checkpointFile,
  chooseRunFolder,
  picturesOfMistakes,
  type RunContents,
  type RunFolder,
  runPredictions,
  writeRun,
} from '../run/index.ts';
import type { TrainOptions, TrainSummary } from './train-options.ts';
import { runRecord, summarize } from './train-record.ts';
import { openTrainingData, type TrainingData } from './training-data.ts';

/**
 * From a folder of images (or feature files) to a run folder: features where they are missing,
 * then the head. An interrupted job goes on where it was: features are in the cache, and training
 * goes on from its checkpoint in the run folder.
 *
 * @throws HeadstartError for everything that can be wrong with the input; `signal.reason` where aborted
 * @example
 * ```ts
 * const { run, validation } = await train({
 *   data: 'fruit',
 *   backbone: 'vgg16',
 *   onEpoch: ({ epoch, valAccuracy }) => console.log(epoch, valAccuracy),
 * });
 * ```
 */
export function train(options: TrainOptions): Promise<TrainSummary> {
  return trainOn(openTrainingData, options);
}

/** How a run's head is trained: its options, with layers and trainer in place of their names. */
export type TrainSettings = Omit<TrainOptions, 'head' | 'views'> &
  Pick<TrainHeadOptions, 'head' | 'views' | 'backend'>;

/** The same on what `open` gives. */
export async function trainOn(
  open: (settings: TrainSettings) => Promise<TrainingData>,
  options: TrainOptions,
): Promise<TrainSummary> {
  checkOptions(runOptions, options);
  const started = performance.now();
  const source = options.data ?? options.features ?? '';
  const place = await chooseRunFolder(source, options);
  const { head: named } = options;
  const head = typeof named === 'string' ? await loadHeadSpec(named) : named;
  const remove = await makeOutputFolder(place.folder);
  try {
    return await trainInto(place, head, open, options, started);
  } catch (error) {
    await remove();
    throw error;
  }
}

async function trainInto(
  place: RunFolder,
  given: HeadSpec | undefined,
  open: Parameters<typeof trainOn>[0],
  options: TrainOptions,
  started: number,
): Promise<TrainSummary> {
  // A feature file has one row per image: nothing to draw views from.
  const views = options.data !== undefined && options.augment ? (options.views ?? 4) : 'none';
  // Feature files need no backbone, which else gives the reason why the GPU is not used.
  const { device, notice } = chooseTrainer(options);
  if (notice && options.data === undefined) options.onNotice?.({ level: 'info', text: notice });
  const asked: TrainSettings = { ...options, head: given, views, backend: device };
  checkTrainingOptions(asked);
  await using data = await open(asked);
  const head = given ?? defaultHead(data.train.shape);
  const settings = { ...asked, head };
  announceFeatures(data, options);
  const trainer = describeTrainer(device, options.compute ?? 'fp32');
  options.onNotice?.({ level: 'info', text: `Head on ${trainer}` });
  const init = options.init === undefined ? undefined : await readHeadWeights(options.init);
  const seen = await featuresFor(head, data, options);
  const pooled = await trainResumable({ ...settings, init }, { ...data, ...seen }, place);
  const trained = { ...pooled, head: { ...pooled.head, inputShape: inputShapeOf(data.train) } };
  const evaluation = evaluateValidation(trained, data, options);
  const seconds = (performance.now() - started) / 1000;
  const record = runRecord(options, data, trained, evaluation, seconds);
  const { weights, history } = trained;
  const hashes = data.validation.samples.map(({ hash }) => hash);
  await options.onTrained?.({
    folder: place.folder,
    record: { format: 'headstart-run', version: 1, ...record, files: {} },
    weights,
    predictions: runPredictions(evaluation.predictions, record.classes, hashes),
  });
  await writeRun(place.folder, {
    record,
    weights,
    history,
    evaluation,
    hashes,
    skipped: data.skipped,
    pictures: await mistakesOf(data, trained, evaluation, options),
    backbonePath: data.maker?.backbone.path,
    signal: options.signal,
  });
  await rm(join(place.folder, checkpointFile), { force: true });
  return summarize(place.folder, record, data, evaluation);
}

/** None where the run was trained on feature files, which do not record where their images are. */
function mistakesOf(
  { source, validation, extractor }: TrainingData,
  { head, weights }: TrainedHead,
  evaluation: Evaluation,
  options: TrainOptions,
): RunContents['pictures'] {
  if (!extractor) return undefined;
  const { signal } = options;
  const input = { ...extractor.backbone.input, fit: extractor.images.fit };
  const root = imagesRoot(source, options);
  const sources = { root, features: validation, head, weights, input, signal };
  return () => picturesOfMistakes(evaluation, sources);
}

/** More than these take a second or longer to calibrate and to measure. */
const quickProbabilities = 4_000_000;

function evaluateValidation(
  { validation: { probabilities } }: TrainedHead,
  { validation: { samples }, classes }: TrainingData,
  { calibrate = true, onNotice }: TrainOptions,
): Evaluation {
  const labels = Int32Array.from(samples, ({ label }) => label);
  const classification = { probabilities, labels, classes: classes.length };
  if (probabilities.length > quickProbabilities) {
    const text = `Measuring ${labels.length} validation images of ${classes.length} classes`;
    onNotice?.({ level: 'info', text });
  }
  const temperature = calibrate ? fitTemperature(classification) : 1;
  const names = samples.map(({ name }) => name);
  return evaluateClassification({ probabilities, labels, names, classes, temperature });
}

function announceFeatures(data: TrainingData, { onNotice }: TrainOptions): void {
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
  options: Omit<TrainHeadOptions, 'train' | 'validation' | 'classes' | 'onEpoch'> & TrainHooks,
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
    options.onNotice?.({ level: 'info', text: `Resuming the interrupted run in ${folder}` });
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

type TrainHooks = Pick<TrainOptions, 'onEpoch' | 'onNotice' | 'resume'>;
