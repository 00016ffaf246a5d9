import {
  checkTrainingOptions,
  chooseTrainer,
  defaultHead,
  describeTrainer,
  loadHeadSpec,
  type TrainingOptions,
} from '../head/index.ts';
import {
  type computeOption,
  foldsOptions,
  headOptions,
  type OptionsOf,
  optimizerOptions,
  pickOptions,
  restoreBestOption,
  seedOption,
  settleOptions,
} from '../options/index.ts';
import {
  type ExperimentDataOptions,
  openExperimentData,
  trainingImages,
} from './experiment-data.ts';
import { crossValidateHeads, type FoldsResult } from './fold-scores.ts';

/** How an experiment trains its heads: as `train` does. */
export interface ExperimentTrainingOptions
  extends Omit<TrainingOptions, 'head' | 'views' | 'classWeights'>,
    OptionsOf<
      Pick<typeof headOptions, 'head'> &
        Pick<typeof optimizerOptions, 'classWeights'> &
        typeof computeOption
    > {}

export interface CrossValidateOptions
  extends ExperimentDataOptions,
    ExperimentTrainingOptions,
    OptionsOf<Omit<typeof foldsOptions, 'features'>> {}

/** An accuracy by cross-validation. */
export interface FoldsSummary {
  readonly folds: number;
  readonly seeds: number;
  readonly images: number;
  readonly accuracy: number;
  /** Of the folds' accuracies. */
  readonly deviation: number;
  /** 95 % interval of the accuracy. */
  readonly interval: readonly [number, number];
  /** Of each seed, fold by fold. */
  readonly foldAccuracies: readonly (readonly number[])[];
  readonly trainSeconds: number;
}

/** An accuracy by cross-validation, and what it was measured on. */
export interface CrossValidateResult extends FoldsSummary {
  readonly data: string;
  readonly head: string;
  readonly classes: readonly string[];
  readonly device: { readonly features: string | null; readonly training: string };
  readonly features: { readonly computed: number; readonly reused: number };
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
}

/**
 * Cross-validates on the images of a folder, or on those of its training part where it has a split
 * of its own.
 *
 * @throws HeadstartError for everything that can be wrong with the input; `signal.reason` where aborted
 * @example
 * ```ts
 * const { accuracy, interval } = await crossValidate({ data: 'fruit', backbone: 'vgg16', folds: 5 });
 * ```
 */
export async function crossValidate(options: CrossValidateOptions): Promise<CrossValidateResult> {
  const { folds, seeds } = settleOptions(foldsOptions, options);
  const training = await openExperimentTraining(options);
  await using data = await openExperimentData(options, trainingImages);
  announceHeads(training, options);
  const result = await crossValidateHeads({
    ...training,
    images: data.images,
    folds,
    repeats: seeds,
    seed: options.seed ?? 0,
    onProgress: options.onProgress,
    signal: options.signal,
  });
  return {
    data: data.source,
    head: (training.head ?? defaultHead(data.images.set.shape)).name,
    classes: data.images.classes,
    device: {
      features: data.extractor?.backbone.device ?? null,
      training: describeTrainer(training.backend, options.compute ?? 'fp32'),
    },
    ...summarizeFolds(result),
    features: data.counts,
    skipped: data.skipped.map(({ path, reason }) => ({ file: path, reason })),
  };
}

export function summarizeFolds(result: FoldsResult): FoldsSummary {
  const { folds, repeats, samples, accuracy, deviation, interval } = result;
  const { foldAccuracies, trainSeconds } = result;
  return {
    folds,
    seeds: repeats,
    images: samples,
    accuracy,
    deviation,
    interval,
    foldAccuracies,
    trainSeconds,
  };
}

type OpenOptions = ExperimentDataOptions & ExperimentTrainingOptions;

/** The options of training, checked before any image is read. */
export async function openExperimentTraining(options: OpenOptions) {
  const head = options.head === undefined ? undefined : await loadHeadSpec(options.head);
  const { device: backend, notice } = chooseTrainer(options);
  if (notice && options.data === undefined) options.onNotice?.({ level: 'info', text: notice });
  const augmented = options.data !== undefined && options.augment !== undefined;
  const views = augmented && options.views !== 0 ? (options.views ?? 4) : ('none' as const);
  const { compute, threads, signal } = options;
  const learning: Omit<TrainingOptions, 'head' | 'views'> = pickOptions(options, trainingNames);
  const training = { ...learning, head, views, backend, compute, threads, signal };
  checkTrainingOptions(training);
  return training;
}

const { head: _, ...lengthOptions } = headOptions;

/** Names of what decides how a head learns. */
const trainingNames = [
  ...Object.keys({ ...lengthOptions, ...optimizerOptions, ...restoreBestOption, ...seedOption }),
  ...['learningRateSchedule', 'earlyStopping'],
];

export function announceHeads(
  { backend }: { readonly backend: 'cpu' | 'cuda' },
  { compute = 'fp32', onNotice }: OpenOptions,
): void {
  onNotice?.({ level: 'info', text: `Heads on ${describeTrainer(backend, compute)}` });
}
