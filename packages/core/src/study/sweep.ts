import type { FeatureSet } from '../features/index.ts';
import { FeatureStores, type HeadSpec } from '../head/index.ts';
import type { ProgressListener } from '../operation.ts';
import { headsAtOnce, pooledSet, type StudyTraining } from './data.ts';
import type { Score } from './halving.ts';
import type { TrialChoice } from './space.ts';
import { runWave } from './wave.ts';

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
export interface Wave {
  readonly first: number;
  readonly count: number;
}

export interface SweepOptions extends Omit<StudyTraining, 'head'> {
  /** Rows of a sample are the views that training with `seed` draws. */
  readonly train: FeatureSet;
  readonly validation: FeatureSet;
  readonly classes: readonly string[];
  /** Undefined: as many as there are until the deadline. */
  readonly trials: number | undefined;
  /** Milliseconds of `performance.now()` after which no epoch begins but the first of trials at hand. */
  readonly deadline?: number | undefined;
  /** Stop the worse two thirds of a wave at each rung; default true. */
  readonly halving?: boolean | undefined;
  readonly choiceOf: (trial: number) => TrialChoice;
  readonly specOf: (head: string) => HeadSpec;
  /** What an earlier call of the same search has done. */
  readonly waves: readonly Wave[];
  readonly finished: readonly Trial[];
  /** Hears of the state each time that trials have finished, and may write it down. */
  readonly onState: (state: SweepState) => Promise<void>;
  readonly onProgress?: ProgressListener | undefined;
}

export interface SweepState {
  readonly waves: readonly Wave[];
  readonly finished: readonly Trial[];
}

const mostInWave = 256;

/**
 * Trains trials, hundreds at once, wave by wave, and stops the worse ones of a wave early. Heads of
 * the same layers train in one call of the native trainer, whatever else differs. Same options: the
 * same trials and the same results, also where the search was interrupted and goes on, unless a
 * deadline cuts it.
 *
 * @returns all trials that are finished, in their order
 * @throws HeadstartError as `trainHeads`; `signal.reason` where aborted, after `onState`
 */
export async function sweepHeads(options: SweepOptions): Promise<SweepState> {
  const { trials = Number.POSITIVE_INFINITY, signal, onProgress } = options;
  const finished = new Map(options.finished.map((trial) => [trial.trial, trial]));
  const waves = [...options.waves];
  const state = (): SweepState => ({
    waves,
    finished: [...finished.values()].sort((a, b) => a.trial - b.trial),
  });
  const begun = () => waves.reduce((sum, { count }) => sum + count, 0);
  const report = () => {
    // An earlier call may have begun more than this one asks for.
    const total = trials === Number.POSITIVE_INFINITY ? undefined : Math.max(trials, begun());
    onProgress?.({ stage: 'sweep', done: finished.size, total, unit: 'trials' });
  };
  using stores = new FeatureStores();
  const pooled = await pooledSets(options);
  for (let at = 0; ; at++) {
    if (at === waves.length) {
      const first = begun();
      // The first wave always comes to one epoch, so that there is something to keep.
      const { deadline = Number.POSITIVE_INFINITY } = options;
      if (first >= trials || (first > 0 && performance.now() >= deadline)) break;
      waves.push({ first, count: waveSize(options, first, trials - first) });
    }
    report();
    await runWave(waves[at] as Wave, { ...options, ...pooled, stores }, finished, async () => {
      report();
      await options.onState(state());
    });
    signal?.throwIfAborted();
  }
  report();
  return state();
}

/** Rows of heads that begin with a pool. */
export interface PooledSets {
  readonly pooledTrain: FeatureSet;
  readonly pooledValidation: FeatureSet;
}

async function pooledSets({ train, validation, signal }: SweepOptions): Promise<PooledSets> {
  return {
    pooledTrain: await pooledSet(train, { signal }),
    pooledValidation: await pooledSet(validation, { signal }),
  };
}

/** As many trials as memory holds together. */
function waveSize(options: SweepOptions, first: number, most: number): number {
  const { train, classes, choiceOf, specOf } = options;
  let share = 0;
  let count = 0;
  while (count < Math.min(most, mostInWave)) {
    const head = specOf(choiceOf(first + count).head);
    share += 1 / headsAtOnce({ set: train, classes }, { head });
    if (share > 1 && count > 0) break;
    count++;
  }
  return count;
}
