import type { BackendName, Compute } from '@headstart/native';
import type { LongOperationOptions } from '../base/operation.ts';
import type { FeatureSet } from '../features/index.ts';
import type {
  EntryValue,
  headOptions,
  OptionsOf,
  optimizerOptions,
  restoreBestOption,
  seedOption,
  stoppingOptions,
  validationStepsOption,
} from '../options/index.ts';
import type { EpochRecord } from './history.ts';
import type { LearningRateSchedule } from './learning-rate.ts';
import type { ViewPolicy } from './schedule.ts';
import type { HeadSpec, ResolvedHead } from './spec.ts';
import type { FeatureStores } from './stores.ts';
import type { HeadWeights } from './weights.ts';

export type OptimizerName = EntryValue<typeof optimizerOptions.optimizer>;

/** By how rare a class is, or one number of at least 0 a class. */
export type ClassWeights = 'none' | 'balanced' | readonly number[];

/** How a head is trained. Every default is the original script's, unless noted. */
export interface TrainingOptions
  extends OptionsOf<
    Omit<typeof headOptions, 'head'> &
      Omit<typeof optimizerOptions, 'classWeights'> &
      typeof validationStepsOption &
      typeof restoreBestOption &
      typeof seedOption
  > {
  /** Default: the preset `conv`, for vector features `mlp`. */
  readonly head?: HeadSpec | undefined;
  /** Default: constant. */
  readonly learningRateSchedule?: LearningRateSchedule | undefined;
  /** `balanced` weighs class k by n / (K * count_k). Default `none`. */
  readonly classWeights?: ClassWeights | undefined;
  /**
   * What is watched and when to stop; parts left out have the defaults val_accuracy, 1e-4, 3.
   * `enabled: false` never stops, but the best epoch is still found by what is watched.
   */
  readonly earlyStopping?: OptionsOf<typeof stoppingOptions> | undefined;
  /** The views that the training set's rows are; default `none`: one row per sample. */
  readonly views?: ViewPolicy | undefined;
}

/**
 * Training features that are made when an epoch needs them: where every epoch uses new views,
 * early stopping leaves most of them unused.
 */
export interface EpochFeatures extends Pick<FeatureSet, 'shape' | 'dtype' | 'samples'> {
  /**
   * The features of views of the samples.
   *
   * @param views the view numbers of each sample, none for most
   * @returns a set of the same samples, whose rows of sample i are `views[i]`, in that order
   */
  forViews(views: readonly (readonly number[])[]): Promise<FeatureSet>;
}

export interface CheckpointOptions {
  /** A file that holds the state of the run in progress; written whole or not at all. */
  readonly path: string;
  /** Go on from `path` where it exists. Default false: a checkpoint there is replaced. */
  readonly resume?: boolean | undefined;
  /**
   * What else decides the features (backbone, resize, augmentation): a checkpoint of another text
   * is refused. Samples, options, classes, head and seed are always compared.
   */
  readonly featuresId?: string | undefined;
}

export interface TrainHeadOptions extends TrainingOptions, LongOperationOptions {
  /** Of a set, the rows of sample i are the views `planViews(schedule)[i]`, in that order. */
  readonly train: FeatureSet | EpochFeatures;
  /** Row 0 of each sample is its plain image. */
  readonly validation: FeatureSet;
  /** Class names, by label. */
  readonly classes: readonly string[];
  /** Start from these weights instead of random ones. */
  readonly init?: HeadWeights | undefined;
  /** Default `cpu`. */
  readonly backend?: BackendName | undefined;
  /**
   * What products are computed in. Default `fp32`; `tf32` and `bf16` round their operands, on a GPU
   * with tensor cores; `bf16` also on processors that can.
   */
  readonly compute?: Compute | undefined;
  /** Threads of the CPU backend; default: the native module's. Does not change the result. */
  readonly threads?: number | undefined;
  readonly onEpoch?: ((record: EpochRecord) => void) | undefined;
  readonly checkpoint?: CheckpointOptions | undefined;
}

/** Where one of many heads differs from the options that all share. */
export interface HeadVariation
  extends Pick<
    TrainingOptions,
    | 'seed'
    | 'learningRate'
    | 'optimizer'
    | 'momentum'
    | 'nesterov'
    | 'dropout'
    | 'weightDecay'
    | 'l2'
    | 'labelSmoothing'
    | 'classWeights'
  > {
  /** Indices of the training samples that it sees, in any order; default: all. */
  readonly trainSamples?: Int32Array | undefined;
  /** Indices of the validation samples that it is measured on; default: all. */
  readonly validationSamples?: Int32Array | undefined;
  /** Indices of samples of the validation set that decide nothing: the kept weights' `test`. */
  readonly testSamples?: Int32Array | undefined;
  /** The class of every training sample of the set, seen or not; default: the set's labels. */
  readonly trainLabels?: Int32Array | undefined;
}

export interface TrainHeadsOptions extends Omit<TrainHeadOptions, 'onEpoch'> {
  /** At least one. */
  readonly heads: readonly HeadVariation[];
  /** `head` is its place in `heads`. */
  readonly onEpoch?: ((record: EpochRecord, head: number) => void) | undefined;
  /**
   * Asked after each epoch which of the heads that are still in training go on; the others stop
   * where they are. Training waits for the answer. Default: all.
   */
  readonly goOn?:
    | ((epoch: number, running: readonly number[]) => Promise<readonly number[]>)
    | undefined;
  /** A head whose loss is not a finite number: fail (default), or stop that head alone. */
  readonly diverged?: 'fail' | 'stop' | undefined;
  /** Native memory shared with other trainings; it stays theirs. Default: of this call alone. */
  readonly stores?: FeatureStores | undefined;
}

/** A loss (mean over samples) and an accuracy. */
export interface Score {
  readonly loss: number;
  readonly accuracy: number;
}

export interface TrainedHead {
  readonly head: ResolvedHead;
  /** The weights kept. */
  readonly weights: HeadWeights;
  readonly history: readonly EpochRecord[];
  /** 1-based epoch with the best watched value. */
  readonly bestEpoch: number;
  /** 1-based epoch that `weights` are of. */
  readonly keptEpoch: number;
  readonly stoppedBy: 'early-stopping' | 'epochs' | 'pruning' | 'divergence';
  /** Of the kept epoch, as measured while it trained: with dropout and class weights. */
  readonly training: Score;
  /** Of the kept weights over the whole validation set, or the samples of it that were named. */
  readonly validation: Score & {
    /** [samples x classes], in the set's order, or in that of the samples named. */
    readonly probabilities: Float32Array;
  };
  /** Of the kept weights on the test samples that were named. */
  readonly test?: TrainedHead['validation'] | undefined;
  readonly backend: { readonly name: BackendName; readonly description: string };
  readonly timing: {
    /** Reading the features into the trainer. */
    readonly loadSeconds: number;
    /** All epochs, with their validation. */
    readonly trainSeconds: number;
    readonly secondsPerEpoch: number;
  };
  /** Number of epochs taken over from a checkpoint. */
  readonly resumedEpochs: number;
}
