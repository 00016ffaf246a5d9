import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../atomic-file.ts';
import { HeadstartError, reasonOf } from '../errors.ts';
import type { FeatureSet } from '../features/index.ts';
import { describeTrainer, type HeadSpec, loadHeadSpec, resolveHead } from '../head/index.ts';
import { readRun } from '../run/index.ts';
import {
  compareScores,
  defaultSpace,
  drawTrial,
  intervalOf,
  parallelSvg,
  parseSpace,
  type SearchSpace,
  sweepHeads,
  sweepPage,
  type Trial,
  type TrialChoice,
} from '../study/index.ts';
import { checkCount } from './counts.ts';
import { announceHeads, openStudyTraining, type StudyTrainingOptions } from './folds.ts';
import { chooseStudyFolder } from './study-folder.ts';
import {
  readSweep,
  sweepFiles,
  sweepFingerprint,
  type WrittenSweep,
  writeSweep,
} from './sweep-state.ts';
import { trainJob } from './train.ts';
import type { TrainJobOptions } from './train-options.ts';
import { openTrainingData, type TrainingData, type TrainingDataOptions } from './training-data.ts';

export interface SweepJobOptions
  extends Omit<TrainingDataOptions, 'head' | 'views' | 'classWeights'>,
    StudyTrainingOptions {
  /** Augmented views of each image; default 4. */
  readonly views?: number | undefined;
  /** Default `sweeps/<name of the data>`. */
  readonly out?: string | undefined;
  /** Default 64; without end where there is a budget. */
  readonly trials?: number | undefined;
  /** Seconds that trials may take, those of an interrupted call included. */
  readonly budget?: number | undefined;
  /** A JSON file of what is searched; default: see docs/studies.md. */
  readonly space?: string | undefined;
  /** `halving` (default) or `random`, which trains every trial to its end. */
  readonly search?: 'halving' | 'random' | undefined;
}

export interface TrialSummary {
  readonly trial: number;
  readonly accuracy: number;
  readonly interval: readonly [number, number];
  readonly loss: number;
  readonly epochs: number;
  readonly ended: Trial['ended'];
  readonly options: TrialChoice;
}

/** What `sweep --json` prints. */
export interface SweepJobResult {
  readonly data: string;
  readonly out: string;
  /** The run folder of the best head, trained again. */
  readonly run: string;
  readonly page: string;
  readonly trials: number;
  /** Trials that an earlier, interrupted call had finished. */
  readonly resumed: number;
  readonly images: number;
  readonly best: TrialSummary;
  /** The head that `train` makes with the same options. */
  readonly baseline: TrialSummary | null;
  /** The best ten. */
  readonly leaderboard: readonly TrialSummary[];
  readonly refit: { readonly accuracy: number; readonly loss: number };
  readonly device: { readonly features: string | null; readonly training: string };
  readonly features: { readonly computed: number; readonly reused: number };
  readonly sweep_s: number;
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
}

const defaultTrials = 64;
const endless = 100_000;

/**
 * Searches for a better head: many trials at once over cached features, the best trained again and
 * saved as a run. Finished trials are written down as they come; the same call goes on from there,
 * and one with more trials or a larger budget adds to them.
 *
 * @throws HeadstartError for everything that can be wrong with the input; `signal.reason` where aborted
 * @example
 * ```ts
 * const { out } = await sweepJob({ data: 'fruit', backbone: 'vgg16', trials: 64 });
 * ```
 */
export async function sweepJob(options: SweepJobOptions): Promise<SweepJobResult> {
  const { trials = options.budget === undefined ? defaultTrials : endless, budget } = options;
  checkCount('--trials', trials, 1);
  if (options.nesterov) {
    throw new HeadstartError('USAGE', 'A sweep tries no Nesterov momentum: leave out --nesterov.');
  }
  const source = options.data ?? options.features ?? '';
  const folder = await chooseStudyFolder('sweeps', source, options.out, Object.values(sweepFiles));
  const space = await loadSpace(options.space);
  const { head: asked, ...training } = await openStudyTraining(options);
  const specs = await loadSpecs(space);
  await using data = await openTrainingData({ ...options, ...training, head: asked });
  const train = data.train as FeatureSet;
  const baseline = baselineOf(options, train, training.optimizer);
  specs.set(
    baseline.head,
    baseline.head === asked.name ? asked : await loadHeadSpec(baseline.head),
  );
  checkSpecs(specs, train, data.classes.length);
  announceHeads(training, options);
  const { seed = 0, search = 'halving', signal, onProgress } = options;
  const images = data.validation.samples.length;
  const fingerprint = fingerprintOf(options, data, { space, baseline, specs: [...specs], search });
  let state = await readSweep(folder, fingerprint);
  const resumed = state.finished.length;
  if (resumed > 0) {
    options.onNotice?.({ level: 'info', text: `Going on after ${resumed} trials in ${folder}` });
  }
  const started = performance.now();
  const spent = state.seconds;
  const secondsNow = () => spent + (performance.now() - started) / 1000;
  const save = async (more: Partial<WrittenSweep>) => {
    state = { ...state, ...more };
    await writeSweep(folder, state, images);
  };
  await sweepHeads({
    ...training,
    train,
    validation: data.validation,
    classes: data.classes,
    trials: Math.max(trials, 1),
    deadline: budget === undefined ? undefined : started + (budget - spent) * 1000,
    halving: search === 'halving',
    choiceOf: (trial) =>
      trial === 0
        ? baseline
        : drawTrial(space, seed, trial, (head) => hasDropout(specs.get(head) as HeadSpec)),
    specOf: (head) => specs.get(head) as HeadSpec,
    waves: state.waves,
    finished: state.finished,
    onState: ({ waves, finished }) => save({ waves: [...waves], finished, seconds: secondsNow() }),
    signal,
    onProgress,
  });
  const order = [...state.finished].sort((a, b) => compareScores(a, b) || a.trial - b.trial);
  const best = order[0];
  if (!best) throw new HeadstartError('USAGE', 'There is no trial.');
  const refit = await refitBest(folder, best, state, options);
  await save({ refit: best.trial });
  const first = state.finished.find(({ trial }) => trial === 0);
  const page = sweepPage({
    data: source,
    trials: state.finished,
    images,
    plot: await drawPlot(folder, state.finished, space),
    best,
    baseline: first,
    refit: { run: join(folder, sweepFiles.run), accuracy: refit.accuracy },
  });
  await writeFileAtomically(join(folder, sweepFiles.page), page);
  const summary = (trial: Trial): TrialSummary => summarizeTrial(trial, images);
  return {
    data: source,
    out: folder,
    run: join(folder, sweepFiles.run),
    page: join(folder, sweepFiles.page),
    trials: state.finished.length,
    resumed,
    images,
    best: summary(best),
    baseline: first ? summary(first) : null,
    leaderboard: order.slice(0, 10).map(summary),
    refit,
    device: {
      features: data.extractor?.backbone.device ?? null,
      training: describeTrainer(training.backend, options.compute ?? 'fp32'),
    },
    features: data.counts,
    sweep_s: state.seconds,
    skipped: data.skipped.map(({ path, reason }) => ({ file: path, reason })),
  };
}

async function loadSpace(path: string | undefined): Promise<SearchSpace> {
  if (path === undefined) return defaultSpace;
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new HeadstartError('USAGE', `Cannot read the search space ${path}: ${reasonOf(error)}.`, {
      cause: error,
    });
  }
  return parseSpace(text, path);
}

async function loadSpecs(space: SearchSpace): Promise<Map<string, HeadSpec>> {
  const specs = new Map<string, HeadSpec>();
  for (const name of space.head) specs.set(name, await loadHeadSpec(name));
  return specs;
}

/** Refuses heads that do not fit the features before anything is trained. */
function checkSpecs(specs: ReadonlyMap<string, HeadSpec>, { shape }: FeatureSet, classes: number) {
  for (const spec of specs.values()) resolveHead(spec, { featureShape: shape, classes });
}

function hasDropout({ layers }: HeadSpec): boolean {
  return layers.some(({ type }) => type === 'dropout');
}

/** What `train` would do with the same options; of vectors there is no convolution. */
function baselineOf(
  options: SweepJobOptions,
  { shape }: FeatureSet,
  optimizer: TrialChoice['optimizer'] = 'adam',
): TrialChoice {
  const { dropout, momentum, weightDecay = optimizer === 'adamw' ? 0.004 : 0 } = options;
  return {
    head: options.head ?? (shape.length === 1 ? 'linear' : 'conv'),
    optimizer,
    classWeights: options.classWeights ?? 'none',
    learningRate: options.learningRate ?? 1e-3,
    weightDecay,
    l2: options.l2 ?? 0,
    labelSmoothing: options.labelSmoothing ?? 0,
    ...(dropout === undefined ? {} : { dropout }),
    ...(momentum === undefined ? {} : { momentum }),
  };
}

function fingerprintOf(options: SweepJobOptions, data: TrainingData, search: unknown): string {
  const { epochs, batchSize, stepsPerEpoch, earlyStopping, learningRateSchedule } = options;
  const { views, shuffle, seed, compute, device } = options;
  const samples = (set: Pick<FeatureSet, 'samples'>) =>
    set.samples.map(({ name, hash, label }) => [hash ?? name, label]);
  return sweepFingerprint({
    ...{ epochs, batchSize, stepsPerEpoch, earlyStopping, learningRateSchedule },
    ...{ views, shuffle, seed, compute, device, search },
    featuresId: data.featuresId,
    classes: data.classes,
    train: samples(data.train),
    validation: samples(data.validation),
  });
}

/** Trains the best once more, as `train` does, into `best/`; not where that is there already. */
async function refitBest(
  folder: string,
  best: Trial,
  { refit }: WrittenSweep,
  options: SweepJobOptions,
): Promise<{ readonly accuracy: number; readonly loss: number }> {
  const out = join(folder, sweepFiles.run);
  if (refit === best.trial) {
    const run = await readRun(out).catch(() => undefined);
    if (run) {
      const { accuracy, loss } = run.record.result.validation;
      return { accuracy, loss };
    }
  }
  const { trials: _, budget: __, space: ___, search: ____, ...shared } = options;
  const { momentum, dropout, ...choice } = best.choice;
  const chosen: TrainJobOptions = { ...shared, ...choice, momentum, dropout, out };
  const { validation } = await trainJob({ ...chosen, folds: false, onNotice: undefined });
  return { accuracy: validation.accuracy, loss: validation.loss };
}

async function drawPlot(folder: string, trials: readonly Trial[], space: SearchSpace) {
  const plot = await parallelSvg(trials, space);
  await writeFileAtomically(join(folder, sweepFiles.plot), plot);
  return plot;
}

function summarizeTrial(one: Trial, images: number): TrialSummary {
  const { trial, accuracy, loss, epochs, ended, choice } = one;
  const interval = intervalOf(one, images);
  return { trial, accuracy, interval, loss, epochs, ended, options: choice };
}
