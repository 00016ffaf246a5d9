import {
  type EpochRecord,
  type FeatureStores,
  poolsFirst,
  type TrainHeadsOptions,
  tryHeads,
} from '../head/index.ts';
import { Barrier, compareScores, keptShare, rungsOf, type Score } from './halving.ts';
import type { TrialChoice } from './search-space.ts';
import type { Bracket, PooledSets, SweepHeadsOptions, Trial, TrialEnd } from './trial.ts';

/** A trial in training. */
interface Running {
  readonly trial: number;
  readonly choice: TrialChoice;
  epochs: number;
  best: Score & { readonly epoch: number };
  rungs: Score[];
  diverged: boolean;
  ended: TrialEnd | undefined;
}

export type BracketOptions = SweepHeadsOptions & PooledSets & { readonly stores: FeatureStores };

/** Trains the trials of a bracket that are not finished; the others take part in its decisions. */
export async function runBracket(
  bracket: Bracket,
  options: BracketOptions,
  finished: Map<number, Trial>,
  save: () => Promise<void>,
): Promise<void> {
  const { choiceOf, halving = true, epochs = 50 } = options;
  const members = Array.from({ length: bracket.count }, (_, i) => bracket.first + i);
  const open = members.filter((trial) => !finished.has(trial));
  if (open.length === 0) return;
  const running = open.map((trial): Running => {
    const best = { accuracy: 0, loss: Number.MAX_VALUE, epoch: 1 };
    const choice = choiceOf(trial);
    return { trial, choice, epochs: 0, best, rungs: [], diverged: false, ended: undefined };
  });
  const rungs = halving ? rungsOf(epochs) : [];
  const groups = byHead(running);
  const decide = (epoch: number) => survivors(members, running, finished, rungs.indexOf(epoch));
  const barrier = new Barrier(groups.length, decide);
  const settle = async () => {
    const done = running.filter(({ ended, trial }) => ended !== undefined && !finished.has(trial));
    if (done.length === 0) return;
    for (const one of done) finished.set(one.trial, trialOf(one));
    await save();
  };
  const results = await Promise.allSettled(
    groups.map((group) =>
      trainGroup(group, rungs, barrier, options, settle).catch((error) => {
        barrier.fail(error);
        throw error;
      }),
    ),
  );
  await settle();
  const failed = results.find(({ status }) => status === 'rejected');
  if (failed) throw (failed as PromiseRejectedResult).reason;
}

/** In the order in which heads first come up. */
function byHead(running: readonly Running[]): Running[][] {
  const groups = new Map<string, Running[]>();
  for (const one of running) {
    const group = groups.get(one.choice.head) ?? [];
    group.push(one);
    groups.set(one.choice.head, group);
  }
  return [...groups.values()];
}

/** The best third of what reached the last rung; the first trial of all always goes on. */
function survivors(
  members: readonly number[],
  running: readonly Running[],
  finished: ReadonlyMap<number, Trial>,
  rung: number,
): ReadonlySet<number> {
  const scores = members.flatMap((trial) => {
    const one = running.find((each) => each.trial === trial);
    const done = finished.get(trial) ?? (one && { ...one, ...one.best });
    // What has ended by itself stays in the race with what it reached.
    const cut = done?.ended === 'pruning' || done?.ended === 'budget';
    const score = done?.rungs[rung] ?? (cut || !done?.ended ? undefined : done);
    return score ? [{ trial, score }] : [];
  });
  const kept = Math.max(1, Math.ceil(members.length / keptShare ** (rung + 1)));
  const order = scores.sort((a, b) => compareScores(a.score, b.score) || a.trial - b.trial);
  return new Set([0, ...order.slice(0, kept).map(({ trial }) => trial)]);
}

function trialOf(one: Running): Trial {
  const { trial, choice, epochs, best, rungs, ended } = one;
  const { accuracy, loss, epoch: bestEpoch } = best;
  return {
    trial,
    choice,
    accuracy,
    loss,
    epochs,
    bestEpoch,
    ended: ended as TrialEnd,
    rungs: [...rungs],
  };
}

/** Heads of the same layers, in one call. */
async function trainGroup(
  group: readonly Running[],
  rungs: readonly number[],
  barrier: Barrier,
  options: BracketOptions,
  settle: () => Promise<void>,
): Promise<void> {
  const { deadline, epochs: most = 50 } = options;
  let release = await barrier.takeTurn();
  const timeIsUp = () => deadline !== undefined && performance.now() >= deadline;
  const cut = (places: readonly number[]) => {
    for (const place of places) (group[place] as Running).ended = 'budget';
    return [];
  };
  try {
    await tryHeads({
      ...trainingOf(group, options),
      onEpoch: (record, head) => note(group[head] as Running, record),
      goOn: async (epoch, places) => {
        const training = new Set(places);
        group.forEach((one, place) => {
          if (!training.has(place)) one.ended ??= one.diverged ? 'divergence' : 'early-stopping';
          else if (rungs.includes(epoch)) {
            const { accuracy, loss } = one.best;
            one.rungs.push({ accuracy, loss });
          }
        });
        if (timeIsUp()) return cut(places);
        if (!rungs.includes(epoch)) {
          await settle();
          return places;
        }
        release();
        const kept = await barrier.arrive(epoch);
        release = await barrier.takeTurn();
        const goingOn = places.filter((place) => kept.has((group[place] as Running).trial));
        for (const place of places) {
          if (!goingOn.includes(place)) (group[place] as Running).ended = 'pruning';
        }
        await settle();
        // Others have trained since.
        return timeIsUp() ? cut(goingOn) : goingOn;
      },
    });
    for (const one of group) {
      one.ended ??= one.diverged ? 'divergence' : one.epochs < most ? 'early-stopping' : 'epochs';
    }
  } finally {
    barrier.leave();
    release();
  }
}

function note(one: Running, { epoch, loss, valLoss, valAccuracy }: EpochRecord): void {
  one.epochs = epoch;
  one.diverged = !Number.isFinite(loss + valLoss);
  if (one.diverged) return;
  const score = { accuracy: valAccuracy, loss: valLoss };
  if (compareScores(score, one.best) < 0) one.best = { ...score, epoch };
}

function trainingOf(group: readonly Running[], options: BracketOptions): TrainHeadsOptions {
  const { specOf, stores, classes } = options;
  const head = specOf((group[0] as Running).choice.head);
  const pools = poolsFirst(head);
  return {
    ...trainingPart(options),
    head,
    heads: group.map(({ choice: { head: _, ...variation } }) => variation),
    train: pools ? options.pooledTrain : options.train,
    validation: pools ? options.pooledValidation : options.validation,
    classes,
    stores,
    diverged: 'stop',
  };
}

/** What all trials share. */
function trainingPart(options: BracketOptions) {
  const { batchSize, stepsPerEpoch, epochs, earlyStopping, learningRateSchedule } = options;
  const { views, shuffle, seed, backend, compute, threads, signal } = options;
  return {
    ...{ batchSize, stepsPerEpoch, epochs, earlyStopping, learningRateSchedule },
    ...{ views, shuffle, seed, backend, compute, threads, signal },
  };
}
