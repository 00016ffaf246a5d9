import { readCheckpoint, type TrainingState, writeCheckpoint } from './checkpoint.ts';
import { initialEarlyStopping, stepEarlyStopping } from './early-stopping.ts';
import { runEpoch } from './epoch.ts';
import { type EpochRecord, monitored } from './history.ts';
import { translateNativeError } from './native-error.ts';
import type { TrainedHead, TrainHeadOptions } from './options.ts';
import { openSession, planTraining, type TrainingSession } from './session.ts';
import { checkHeadWeights } from './weights.ts';

const checkpointSeconds = 5;

/**
 * Trains one head on features, epoch by epoch, until early stopping or the last epoch.
 *
 * Same features, options and backend: the same bits, whatever the number of threads, and also
 * where the run was interrupted and resumed. With a checkpoint, an abort first writes down the
 * state at the end of the last whole epoch; what was done of the epoch in progress is lost.
 * `onEpoch` hears only of epochs trained by this call.
 *
 * @throws HeadstartError `USAGE`, `HEAD_SPEC_INVALID`, `WEIGHTS_INVALID`, `FEATURE_FILE_INVALID`,
 *   `TRAINING_FAILED`, `GPU_REQUIRED`, `OUTPUT_UNWRITABLE`; `signal.reason` where aborted
 */
export async function trainHead(options: TrainHeadOptions): Promise<TrainedHead> {
  const { signal } = options;
  signal?.throwIfAborted();
  try {
    const plan = planTraining(options);
    const started = performance.now();
    using session = await openSession(plan, options);
    const loadSeconds = (performance.now() - started) / 1000;
    const resumed = await resume(session, options);
    const state = await runEpochs(session, resumed ?? initialState(session), options);
    const trained = await finish(session, state, options);
    const trainSeconds = state.history.reduce((sum, { seconds }) => sum + seconds, 0);
    const secondsPerEpoch = trainSeconds / state.history.length;
    return {
      ...trained,
      timing: { loadSeconds, trainSeconds, secondsPerEpoch },
      resumedEpochs: resumed?.epochsDone ?? 0,
    };
  } catch (error) {
    throw translateNativeError(error, signal);
  }
}

function initialState({ trainer }: TrainingSession): TrainingState {
  return {
    epochsDone: 0,
    history: [],
    earlyStopping: initialEarlyStopping,
    stopped: false,
    weights: trainer.getWeights(),
    optimizer: trainer.getOptimizerState(),
    bestWeights: {},
  };
}

/** Puts the trainer where the checkpoint left it; undefined where there is none. */
async function resume(
  { trainer, fingerprint, head }: TrainingSession,
  { checkpoint }: TrainHeadOptions,
): Promise<TrainingState | undefined> {
  if (!checkpoint?.resume) return undefined;
  const state = await readCheckpoint(checkpoint.path, fingerprint);
  if (!state) return undefined;
  checkHeadWeights(state.weights, head.parameters, `the checkpoint ${checkpoint.path}`);
  trainer.setWeights(state.weights);
  trainer.setOptimizerState(state.optimizer);
  return state;
}

/** Runs the epochs that are left and gives the state after the last. */
async function runEpochs(
  session: TrainingSession,
  first: TrainingState,
  options: TrainHeadOptions,
): Promise<TrainingState> {
  const { signal, checkpoint, onEpoch, onProgress } = options;
  const { epochs } = session.settings;
  const save = async (state: TrainingState) => {
    if (checkpoint) await writeCheckpoint(checkpoint.path, session.fingerprint, state);
  };
  let state = first;
  let saved = { epochs: first.epochsDone, at: performance.now() };
  const report = (done: number) =>
    onProgress?.({ stage: 'training', done, total: epochs, unit: 'epochs' });
  report(state.epochsDone);
  try {
    while (!state.stopped && state.epochsDone < epochs) {
      signal?.throwIfAborted();
      const record = await runEpoch(session, state.epochsDone, { signal });
      state = advance(session, state, record);
      onEpoch?.(record);
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

/** The state after one more epoch. */
function advance(
  { trainer, settings }: TrainingSession,
  state: TrainingState,
  record: EpochRecord,
): TrainingState {
  const { earlyStopping } = settings;
  const value = monitored(record, earlyStopping.monitor);
  const step = stepEarlyStopping(earlyStopping, state.earlyStopping, state.epochsDone, value);
  const weights = trainer.getWeights();
  return {
    epochsDone: state.epochsDone + 1,
    history: [...state.history, record],
    earlyStopping: step.state,
    stopped: earlyStopping.enabled && step.stop,
    weights,
    optimizer: trainer.getOptimizerState(),
    bestWeights: step.improved ? weights : state.bestWeights,
  };
}

/** Measures the kept weights over the whole validation set. */
async function finish(
  session: TrainingSession,
  state: TrainingState,
  { signal }: TrainHeadOptions,
): Promise<Omit<TrainedHead, 'timing' | 'resumedEpochs'>> {
  const { trainer, validationStore: store, validationRows: rows, settings } = session;
  const bestEpoch = (state.earlyStopping.bestEpoch as number) + 1;
  const keptEpoch = settings.restoreBest ? bestEpoch : state.epochsDone;
  const weights = settings.restoreBest ? state.bestWeights : state.weights;
  trainer.setWeights(weights);
  const labels = session.validationLabels;
  const { loss, accuracy } = await trainer.evaluate({ store, rows, labels }, { signal });
  const probabilities = await trainer.predict({ store, rows }, { signal });
  const kept = state.history[keptEpoch - 1] as EpochRecord;
  return {
    head: session.head,
    weights,
    history: state.history,
    bestEpoch,
    keptEpoch,
    stoppedBy: state.stopped ? 'early-stopping' : 'epochs',
    training: { loss: kept.loss, accuracy: kept.accuracy },
    validation: { loss, accuracy, probabilities },
    backend: session.backend,
  };
}
