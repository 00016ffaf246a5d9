import type { EpochRecord, HeadSpec, TrainedHead } from '../head/index.ts';
import type { computeOption, OptionsOf, runOptions } from '../options/index.ts';
import type { TrainedRun } from '../run/index.ts';
import type { TrainingDataOptions } from './training-data.ts';

export interface TrainOptions
  extends Omit<TrainingDataOptions, 'head'>,
    OptionsOf<Omit<typeof runOptions, 'folds' | 'seeds'> & typeof computeOption> {
  /**
   * `conv`, `linear`, `mlp`, a JSON file that describes the layers, or the layers; default: `conv`, for vector
   * features `mlp`.
   */
  readonly head?: string | HeadSpec | undefined;
  readonly onEpoch?: ((record: EpochRecord, epochs: number) => void) | undefined;
  /** The head has been trained; what is left is to write the run, which waits for this. */
  readonly onTrained?: ((run: TrainedRun) => void | Promise<void>) | undefined;
  /** What `run.json` records as the arguments; default: these options. */
  readonly recordedArguments?: Readonly<Record<string, unknown>> | undefined;
}

/** What came of a training. */
export interface TrainSummary {
  readonly run: string;
  readonly device: { readonly features: string | null; readonly training: string };
  readonly backbone: string | null;
  readonly untrained: boolean;
  readonly classes: readonly string[];
  readonly epochs: number;
  readonly bestEpoch: number;
  readonly stoppedBy: TrainedHead['stoppedBy'];
  readonly train: { readonly loss: number; readonly accuracy: number };
  readonly validation: {
    readonly loss: number;
    readonly accuracy: number;
    /** 95 % interval of the accuracy. */
    readonly interval: readonly [number, number];
  };
  /** Null where the run was not calibrated. Errors are expected calibration errors, 0..1. */
  readonly calibration: {
    readonly temperature: number;
    readonly error: number;
    readonly errorBefore: number;
  } | null;
  readonly features: { readonly computed: number; readonly reused: number };
  readonly timing: {
    readonly featuresSeconds: number;
    readonly trainSeconds: number;
    readonly perEpochSeconds: number;
  };
  readonly skipped: readonly { readonly file: string; readonly reason: string }[];
}
