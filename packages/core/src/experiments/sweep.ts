import { join } from 'node:path';
import { writeFileAtomically } from '../base/atomic-file.ts';
import { HeadstartError } from '../base/errors.ts';
import { plural } from '../base/plural.ts';
import type { FeatureSet } from '../features/index.ts';
import { defaultHead, describeTrainer, type HeadSpec } from '../head/index.ts';
import { checkOptions, type OptionsOf, sweepOptions, type viewsOption } from '../options/index.ts';
import { readRun } from '../run/index.ts';
import type { TrainOptions } from '../train/index.ts';
import {
  lent,
  openTrainingData,
  type TrainingData,
  type TrainingDataOptions,
  trainOn,
} from '../train/index.ts';
import {
  announceHeads,
  type ExperimentTrainingOptions,
  openExperimentTraining,
} from './cross-validate.ts';
import { chooseExperimentFolder } from './experiment-folder.ts';
import { compareScores } from './halving.ts';
import { baselineOf, checkSpecs, hasDropout, loadSpace, loadSpecs } from './read-space.ts';
import { drawTrial, type TrialChoice } from './search-space.ts';
import { intervalOf, sweepPage } from './sweep-page.ts';
import {
  lockSweep,
  readSweep,
  SweepWriter,
  sweepFiles,
  sweepFingerprint,
  type WrittenSweep,
  writeSweep,
} from './sweep-state.ts';
import type { Trial } from './trial.ts';
import { sweepHeads } from './trials.ts';

export interface SweepOptions
  extends Omit<TrainingDataOptions, 'head' | 'views' | 'classWeights'>,
    ExperimentTrainingOptions,
    OptionsOf<typeof viewsOption & Omit<typeof sweepOptions, 'features' | 'validationFeatures'>> {}

export interface TrialSummary {
  readonly trial: number;
  readonly accuracy: number;
  readonly interval: readonly [number, number];
  readonly loss: number;
  readonly epochs: number;
  readonly ended: Trial['ended'];
  readonly options: TrialChoice;
}

/** What a search came to. */
export interface SweepResult {
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
  readonly sweepSeconds: number;
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
}

const defaultTrials = 64;

/**
 * Searches for a better head: many trials at once over cached features, the best trained again and
 * saved as a run. Finished trials are written down as they come; the same call goes on from there,
 * and one with more trials or a larger budget adds to them.
 *
 * @throws HeadstartError for everything that can be wrong with the input; `signal.reason` where aborted
 * @example
 * ```ts
 * const { out } = await sweep({ data: 'fruit', backbone: 'vgg16', trials: 64 });
 * ```
 */
export async function sweep(options: SweepOptions): Promise<SweepResult> {
  checkOptions(sweepOptions, options);
  if (options.nesterov) {
    throw new HeadstartError('USAGE', 'A sweep tries no Nesterov momentum: leave out `nesterov`.', {
      option: 'nesterov',
    });
  }
  const source = options.data ?? options.features ?? '';
  const folder = await chooseExperimentFolder(
    'sweeps',
    source,
    options.out,
    Object.values(sweepFiles),
  );
  const search = await openSearch(options);
  await using _ = await lockSweep(folder);
  await using data = await openTrainingData({ ...options, ...search.training });
  const plan = planSearch(options, search, data);
  announceHeads(search.training, options);
  const state = await readSweep(folder, plan.fingerprint);
  const resumed = state.finished.length;
  if (resumed > 0) {
    options.onNotice?.({
      level: 'info',
      text: `Resuming after ${plural(resumed, 'trial')} in ${folder}`,
    });
  }
  const done = await runTrials(folder, state, plan, data, options);
  const order = [...done.finished].sort((a, b) => compareScores(a, b) || a.trial - b.trial);
  const best = order[0];
  if (!best) throw new HeadstartError('INTERNAL', 'A sweep ended without a trial.');
  const refit = await refitBest(folder, best, done, data, options);
  const images = data.validation.samples.length;
  await writeSweep(folder, { ...done, refit: best.trial }, images);
  const first = done.finished.find(({ trial }) => trial === 0);
  const page = sweepPage({
    data: source,
    trials: done.finished,
    images,
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
    trials: done.finished.length,
    resumed,
    images,
    best: summary(best),
    baseline: first ? summary(first) : null,
    leaderboard: order.slice(0, 10).map(summary),
    refit,
    device: {
      features: data.extractor?.backbone.device ?? null,
      training: describeTrainer(search.training.backend, options.compute ?? 'fp32'),
    },
    features: data.counts,
    sweepSeconds: done.seconds,
    skipped: data.skipped.map(({ path, reason }) => ({ file: path, reason })),
  };
}

/** What can be known, and refused, before any image is read. */
async function openSearch(options: SweepOptions) {
  const space = await loadSpace(options.space);
  const training = await openExperimentTraining(options);
  return { space, training, specs: await loadSpecs(space) };
}

type Search = Awaited<ReturnType<typeof openSearch>>;

/** The trials of a search over this data. */
function planSearch(
  options: SweepOptions,
  { space, training, specs: listed }: Search,
  data: TrainingData,
) {
  const train = data.train as FeatureSet;
  const { seed = 0, search = 'halving' } = options;
  const baseline = baselineOf(options, train, training.optimizer);
  const asked = training.head ?? defaultHead(train.shape);
  const specs = new Map(listed).set(baseline.head, asked);
  checkSpecs(specs, train, data.classes.length);
  const specOf = (head: string) => specs.get(head) as HeadSpec;
  const choiceOf = (trial: number) =>
    trial === 0
      ? baseline
      : drawTrial(space, seed, trial, (head: string) => hasDropout(specOf(head)));
  const searched = { space, baseline, specs: [...specs], search };
  const fingerprint = fingerprintOf(options, data, searched);
  return { train, training, halving: search === 'halving', specOf, choiceOf, fingerprint };
}

/** Trains what is not finished yet, and writes down what is. */
async function runTrials(
  folder: string,
  first: WrittenSweep,
  { train, training, halving, specOf, choiceOf }: ReturnType<typeof planSearch>,
  data: TrainingData,
  options: SweepOptions,
): Promise<WrittenSweep> {
  const { budget, signal, onProgress } = options;
  const { validation, classes } = data;
  const started = performance.now();
  const spent = first.seconds;
  await using writer = new SweepWriter(folder, validation.samples.length);
  const { head: _, ...shared } = training;
  const { waves, finished } = await sweepHeads({
    ...shared,
    train,
    validation,
    classes,
    trials: options.trials ?? (budget === undefined ? defaultTrials : undefined),
    deadline: budget === undefined ? undefined : started + (budget - spent) * 1000,
    halving,
    choiceOf,
    specOf,
    waves: first.waves,
    finished: first.finished,
    onState: async (state) => {
      const seconds = spent + (performance.now() - started) / 1000;
      writer.write({ ...first, ...state, seconds });
    },
    signal,
    onProgress,
  });
  await writer.flush();
  return { ...first, waves, finished, seconds: writer.last?.seconds ?? spent };
}

function fingerprintOf(options: SweepOptions, data: TrainingData, search: unknown): string {
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
  data: TrainingData,
  options: SweepOptions,
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
  const chosen: TrainOptions = { ...shared, ...choice, momentum, dropout, out, overwrite: true };
  const { validation } = await trainOn(async () => lent(data), { ...chosen, onNotice: undefined });
  return { accuracy: validation.accuracy, loss: validation.loss };
}

function summarizeTrial(one: Trial, images: number): TrialSummary {
  const { trial, accuracy, loss, epochs, ended, choice } = one;
  const interval = intervalOf(one, images);
  return { trial, accuracy, interval, loss, epochs, ended, options: choice };
}
