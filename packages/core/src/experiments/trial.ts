import type { ProgressListener } from '../base/operation.ts';
import type { FeatureSet } from '../features/index.ts';
import type { HeadSpec } from '../head/index.ts';
import type { Score } from './halving.ts';
import type { ExperimentTraining } from './heads.ts';
import type { TrialChoice } from './search-space.ts';

/** How a trial ended. `budget`: its time was up. */
export type TrialEnd = 'epochs' | 'early-stopping' | 'pruning' | 'divergence' | 'budget';

/** A finished trial: what it was and what it reached. Plain data, which is written down. */
export interface Trial extends Score {
  /** From 0, which is the head that `train` would make with the same options. */
  readonly trial: number;
  readonly choice: TrialChoice;
  readonly epochs: number;
  /** 1-based epoch of the best validation accuracy, which `accuracy` and `loss` are of. */
  readonly bestEpoch: number;
  readonly ended: TrialEnd;
  /** The best so far when each rung was reached, in order. */
  readonly rungs: readonly Score[];
}

/** Trials that compete with each other: `count` from `first` on. */
export interface Bracket {
  readonly first: number;
  readonly count: number;
}

export interface SweepHeadsOptions extends Omit<ExperimentTraining, 'head'> {
  /** Rows of a sample are the views that training with `seed` draws. */
  readonly train: FeatureSet;
  readonly validation: FeatureSet;
  readonly classes: readonly string[];
  /** Undefined: as many as there are until the deadline. */
  readonly trials: number | undefined;
  /** Milliseconds of `performance.now()` after which no epoch begins but the first of trials at hand. */
  readonly deadline?: number | undefined;
  /** Stop the worse two thirds of a bracket at each rung; default true. */
  readonly halving?: boolean | undefined;
  readonly choiceOf: (trial: number) => TrialChoice;
  readonly specOf: (head: string) => HeadSpec;
  /** What an earlier call of the same search has done. */
  readonly waves: readonly Bracket[];
  readonly finished: readonly Trial[];
  /** Called with the state each time that trials have finished; may write it down. */
  readonly onState: (state: SweepState) => Promise<void>;
  readonly onProgress?: ProgressListener | undefined;
}

export interface SweepState {
  /** Brackets, by their name in `sweep.json`. */
  readonly waves: readonly Bracket[];
  readonly finished: readonly Trial[];
}

/** Rows of heads that begin with a pool. */
export interface PooledSets {
  readonly pooledTrain: FeatureSet;
  readonly pooledValidation: FeatureSet;
}
