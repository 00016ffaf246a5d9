import {
  type HeadState,
  readCheckpoint,
  type TrainingState,
  writeCheckpoint,
} from './checkpoint.ts';
import { initialEarlyStopping, stepEarlyStopping } from './early-stopping.ts';
import { runEpoch } from './epoch.ts';
import { type EpochRecord, monitored } from './history.ts';
import { initialPlateau, stepPlateau } from './learning-rate.ts';
import { translateNativeError } from './native-error.ts';
import type { Score, TrainedHead, TrainHeadOptions, TrainHeadsOptions } from './options.ts';
import { type HeadPlan, planTraining } from './plan.ts';
import { openSession, type TrainingSession } from './session.ts';
import { checkHeadWeights, type HeadWeights } from './weights.ts';

const checkpointSeconds = 5;

/**
 * Trains one head on features, epoch by epoch, until early stopping or the last epoch.
 *
 * Same features, options and backend: the same bits, whatever the number of threads, and also
 * where the run was interrupted and resumed. With a checkpoint, an abort first writes down the
 * state at the end of the last whole epoch; what was done of the epoch in progress is lost.
 * `onEpoch` is called only for epochs trained by this call.
 *
 * @throws HeadstartError `USAGE`, `HEAD_SPEC_INVALID`, `WEIGHTS_INVALID`, `FEATURE_FILE_INVALID`,
 *   `TRAINING_FAILED`, `GPU_REQUIRED`, `OUTPUT_UNWRITABLE`; `signal.reason` where aborted
 * @example
 * ```ts
 * const { set, classes } = await readFeatureFile('train.safetensors');
 * const { set: validation } = await readFeatureFile('validation.safetensors');
 * const head = headPreset('linear');
 * const { weights, bestEpoch } = await trainHead({ train: set, validation, classes, head });
 * ```
 */
export async function trainHead(options: TrainHeadOptions): Promise<TrainedHead> {
  const [trained] = await trainHeads({ ...options, heads: [{}] });
  return trained as TrainedHead;
}

/**
 * Trains many heads of the same layers at once over the same features, each with early stopping of
 * its own. A head learns the same bits as it would alone. Else as {@link trainHead}; `timing` is
 * that of all heads together.
 *
 * @returns one head for each of `options.heads`, in their order
 * @example
 * ```ts
 * const { set, classes } = await readFeatureFile('train.safetensors');
 * const { set: validation } = await readFeatureFile('validation.safetensors');
 * const heads = [{ learningRate: 0.001 }, { learningRate: 0.01 }];
 * await trainHeads({ train: set, validation, classes, head: headPreset('linear'), heads });
 * ```
 */
export function trainHeads(options: TrainHeadsOptions): Promise<TrainedHead[]> {
  return inSession(options, async (session, loadSeconds) => {
    const resumed = await resume(session, options);
    const trainingStarted = performance.now();
    const state = await runEpochs(session, resumed ?? initialState(session), options);
    const here = (performance.now() - trainingStarted) / 1000;
    const trainSeconds = here + secondsOf(resumed);
    const timing = {
      loadSeconds,
      trainSeconds,
      secondsPerEpoch: trainSeconds / state.epochsDone,
    };
    const trained = await finishOrSave(session, state, options);
    return trained.map((one) => ({ ...one, timing, resumedEpochs: resumed?.epochsDone ?? 0 }));
  });
}

/**
 * As {@link trainHeads}, for callers that need `onEpoch` and nothing else: weights are not kept, and
 * no head is measured once more at the end.
 */
export function tryHeads(
  options: Omit<TrainHeadsOptions, 'restoreBest' | 'checkpoint'>,
): Promise<void> {
  const trial = { ...options, restoreBest: false };
  return inSession(trial, async (session) => {
    await runEpochs(session, initialState(session), trial);
  });
}

async function inSession<T>(
  options: TrainHeadsOptions,
  body: (session: TrainingSession, loadSeconds: number) => Promise<T>,
): Promise<T> {
  const { signal } = options;
  signal?.throwIfAborted();
  try {
    const plan = planTraining(options);
    const started = performance.now();
    using session = await openSession(plan, options);
    return await body(session, (performance.now() - started) / 1000);
  } catch (error) {
    throw translateNativeError(error, signal);
  }
}

/** The time that epochs before a resumption took: that of the head that was trained longest. */
function secondsOf(state: TrainingState | undefined): number {
  const sums = state?.heads.map(({ history }) => history.reduce((sum, r) => sum + r.seconds, 0));
  return Math.max(0, ...(sums ?? []));
}

function initialState({ heads }: TrainingSession): TrainingState {
  const states = heads.map(({ settings }) => ({
    history: [],
    earlyStopping: initialEarlyStopping,
    plateau: initialPlateau,
    rate: settings.learningRate,
    stopped: false,
    bestWeights: {},
  }));
  return { epochsDone: 0, heads: states, resumable: undefined };
}

/** Puts the trainer where the checkpoint left it; undefined where there is none. */
async function resume(
  { trainer, fingerprint, head }: TrainingSession,
  { checkpoint }: TrainHeadsOptions,
): Promise<TrainingState | undefined> {
  if (!checkpoint?.resume) return undefined;
  const state = await readCheckpoint(checkpoint.path, fingerprint);
  if (!state) return undefined;
  state.resumable?.forEach(({ weights, optimizer }, i) => {
    const diverged = state.heads[i]?.ended === 'divergence';
    checkHeadWeights(weights, head.parameters, `the checkpoint ${checkpoint.path}`, { diverged });
    trainer.setWeights(weights, i);
    trainer.setOptimizerState(optimizer, i);
  });
  return state;
}

/** Runs the epochs that are left and gives the state after the last. */
async function runEpochs(
  session: TrainingSession,
  first: TrainingState,
  options: TrainHeadsOptions,
): Promise<TrainingState> {
  const { signal, checkpoint, onEpoch, onProgress } = options;
  const { epochs } = session;
  const save = async (state: TrainingState) => {
    if (checkpoint) await writeCheckpoint(checkpoint.path, session.fingerprint, state);
  };
  let state = first;
  let saved = { epochs: first.epochsDone, at: performance.now() };
  const report = (done: number) =>
    onProgress?.({ stage: 'training', done, total: epochs, unit: 'epochs' });
  report(state.epochsDone);
  try {
    while (state.epochsDone < epochs && state.heads.some(({ stopped }) => !stopped)) {
      signal?.throwIfAborted();
      const active = state.heads.flatMap(({ stopped, rate }, head) =>
        stopped ? [] : [{ head, rate }],
      );
      const records = await runEpoch(session, state.epochsDone, active, options);
      const heads = [...state.heads];
      active.forEach(({ head }, i) => {
        const record = records[i] as EpochRecord;
        heads[head] = advance(session, head, heads[head] as HeadState, record);
        onEpoch?.(record, head);
      });
      await prune(heads, state.epochsDone + 1, options);
      const resumable = checkpoint ? snapshot(session) : undefined;
      state = { epochsDone: state.epochsDone + 1, heads, resumable };
      report(state.epochsDone);
      if (performance.now() - saved.at >= checkpointSeconds * 1000) {
        await save(state);
        saved = { epochs: state.epochsDone, at: performance.now() };
      }
    }
    signal?.throwIfAborted();
  } catch (error) {
    if (signal?.aborted && state.epochsDone > saved.epochs) await save(state);
    throw error;
  }
  return state;
}

/** Stops the heads that `goOn` does not name. */
async function prune(
  heads: HeadState[],
  epoch: number,
  { goOn }: TrainHeadsOptions,
): Promise<void> {
  if (!goOn) return;
  const running = [...heads.keys()].filter((head) => !heads[head]?.stopped);
  if (running.length === 0) return;
  const chosen = new Set(await goOn(epoch, running));
  for (const head of running) {
    if (chosen.has(head)) continue;
    heads[head] = { ...(heads[head] as HeadState), stopped: true, ended: 'pruning' };
  }
}

/** The native state of each head. */
function snapshot({ trainer, heads }: TrainingSession): TrainingState['resumable'] {
  return heads.map((_, head) => ({
    weights: trainer.getWeights(head),
    optimizer: trainer.getOptimizerState(head),
  }));
}

/** A head's state after one more epoch. */
function advance(
  { trainer, heads }: TrainingSession,
  head: number,
  state: HeadState,
  record: EpochRecord,
): HeadState {
  const { settings } = heads[head] as HeadPlan;
  const { earlyStopping, learningRateSchedule: rule, restoreBest } = settings;
  const { monitor } = earlyStopping;
  const value = monitored(record, monitor);
  const diverged = !Number.isFinite(record.loss + record.valLoss);
  const step = stepEarlyStopping(earlyStopping, state.earlyStopping, record.epoch - 1, value);
  const reduced =
    rule.type === 'plateau'
      ? stepPlateau({ ...rule, monitor }, state.plateau, value, state.rate)
      : { state: state.plateau, rate: state.rate };
  return {
    history: [...state.history, record],
    earlyStopping: step.state,
    plateau: reduced.state,
    rate: reduced.rate,
    stopped: diverged || (earlyStopping.enabled && step.stop),
    ...(diverged ? { ended: 'divergence' as const } : {}),
    bestWeights: step.improved && restoreBest ? trainer.getWeights(head) : state.bestWeights,
  };
}

type Finished = Omit<TrainedHead, 'timing' | 'resumedEpochs'>;

/** An abort after the last epoch loses none of them. */
async function finishOrSave(
  session: TrainingSession,
  state: TrainingState,
  options: TrainHeadsOptions,
): Promise<Finished[]> {
  const { signal, checkpoint } = options;
  try {
    return await finish(session, state, options);
  } catch (error) {
    if (signal?.aborted && checkpoint && state.resumable) {
      await writeCheckpoint(checkpoint.path, session.fingerprint, state);
    }
    throw error;
  }
}

/** Measures the kept weights over all of each head's validation samples. */
async function finish(
  session: TrainingSession,
  state: TrainingState,
  { signal }: TrainHeadsOptions,
): Promise<Finished[]> {
  const { trainer, validationStore: store, heads } = session;
  const kept = heads.map(({ settings }, head) => {
    const { bestWeights } = state.heads[head] as HeadState;
    const weights = settings.restoreBest ? bestWeights : trainer.getWeights(head);
    trainer.setWeights(weights, head);
    return weights;
  });
  const batches = heads.map((plan) => ({
    rows: plan.validationRows,
    labels: plan.validationLabels,
  }));
  const scores = await trainer.evaluateHeads({ store, batches }, { signal });
  const finished: Finished[] = [];
  const tests = await testScores(session, signal);
  for (const [head, { rows }] of batches.entries()) {
    const probabilities = await trainer.predict({ store, rows, head }, { signal });
    const { loss, accuracy } = scores[head] as Score;
    const validation = { loss, accuracy, probabilities };
    const described = describe(
      session,
      head,
      state.heads[head] as HeadState,
      kept[head],
      validation,
    );
    const test = tests[head];
    finished.push(test ? { ...described, test } : described);
  }
  return finished;
}

/** What the weights that the trainer holds make of each head's test samples, if it has any. */
async function testScores(
  { trainer, heads, validationStore: store }: TrainingSession,
  signal: AbortSignal | undefined,
): Promise<TrainedHead['test'][]> {
  const batches = heads.map(({ testRows: rows, testLabels: labels }) => ({ rows, labels }));
  if (batches.every(({ rows }) => rows.length === 0)) return [];
  const scores = await trainer.evaluateHeads({ store, batches }, { signal });
  const tests: TrainedHead['test'][] = [];
  for (const [head, { rows }] of batches.entries()) {
    const { loss, accuracy } = scores[head] as Score;
    if (rows.length === 0) tests.push(undefined);
    else {
      const probabilities = await trainer.predict({ store, rows, head }, { signal });
      tests.push({ loss, accuracy, probabilities });
    }
  }
  return tests;
}

function describe(
  { head: resolved, heads, backend }: TrainingSession,
  head: number,
  { history, earlyStopping, stopped, ended }: HeadState,
  weights: HeadWeights | undefined,
  validation: TrainedHead['validation'],
): Finished {
  const bestEpoch = (earlyStopping.bestEpoch as number) + 1;
  const { restoreBest } = (heads[head] as HeadPlan).settings;
  const keptEpoch = restoreBest ? bestEpoch : history.length;
  const { loss, accuracy } = history[keptEpoch - 1] as EpochRecord;
  return {
    head: resolved,
    weights: weights as HeadWeights,
    history,
    bestEpoch,
    keptEpoch,
    stoppedBy: ended ?? (stopped ? 'early-stopping' : 'epochs'),
    training: { loss, accuracy },
    validation,
    backend,
  };
}
