import { pooledSet } from '../features/index.ts';
import { FeatureStores } from '../head/index.ts';
import { runBracket } from './bracket.ts';
import { headsAtOnce } from './heads.ts';
import type { Bracket, PooledSets, SweepHeadsOptions, SweepState } from './trial.ts';

const mostInBracket = 256;

/**
 * Trains trials, hundreds at once, bracket by bracket, and stops the worse ones of a bracket early. Heads of
 * the same layers train in one call of the native trainer, whatever else differs. Same options: the
 * same trials and the same results, also where the search was interrupted and goes on, unless a
 * deadline cuts it.
 *
 * @returns all trials that are finished, in their order
 * @throws HeadstartError as `trainHeads`; `signal.reason` where aborted, after `onState`
 */
export async function sweepHeads(options: SweepHeadsOptions): Promise<SweepState> {
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
      // The first bracket always comes to one epoch, so that there is something to keep.
      const { deadline = Number.POSITIVE_INFINITY } = options;
      if (first >= trials || (first > 0 && performance.now() >= deadline)) break;
      waves.push({ first, count: bracketSize(options, first, trials - first) });
    }
    report();
    await runBracket(
      waves[at] as Bracket,
      { ...options, ...pooled, stores },
      finished,
      async () => {
        report();
        await options.onState(state());
      },
    );
    signal?.throwIfAborted();
  }
  report();
  return state();
}

async function pooledSets({ train, validation, signal }: SweepHeadsOptions): Promise<PooledSets> {
  return {
    pooledTrain: await pooledSet(train, { signal }),
    pooledValidation: await pooledSet(validation, { signal }),
  };
}

/** As many trials as memory holds together. */
function bracketSize(options: SweepHeadsOptions, first: number, most: number): number {
  const { train, classes, choiceOf, specOf } = options;
  let share = 0;
  let count = 0;
  while (count < Math.min(most, mostInBracket)) {
    const head = specOf(choiceOf(first + count).head);
    share += 1 / headsAtOnce({ set: train, classes }, { head });
    if (share > 1 && count > 0) break;
    count++;
  }
  return count;
}
