import type { HeadBatch, LabelledRows } from '@headstart/native';
import { HeadstartError } from '../base/errors.ts';
import type { OperationOptions } from '../base/operation.ts';
import type { EpochRecord } from './history.ts';
import { cosineRate } from './learning-rate.ts';
import type { Score, TrainHeadsOptions } from './options.ts';
import type { HeadPlan } from './plan.ts';
import { type BatchRun, epochBatches, stepsInEpoch, validationSamples } from './schedule.ts';
import type { EpochRows, TrainingSession } from './session.ts';

const nothing: LabelledRows = { rows: new Int32Array(0), labels: new Int32Array(0) };

/** A head that is still being trained. */
export interface ActiveHead {
  /** Its place in the session's heads. */
  readonly head: number;
  /** What its schedule goes on from; the rate of every step where it is constant in an epoch. */
  readonly rate: number;
}

/**
 * Trains one epoch (0-based) of the heads that are given and validates it.
 *
 * @returns one record a head, in their order
 * @throws HeadstartError `TRAINING_FAILED` where a loss is not finite, unless such heads just stop
 */
export async function runEpoch(
  session: TrainingSession,
  epoch: number,
  active: readonly ActiveHead[],
  { signal, diverged = 'fail' }: OperationOptions & Pick<TrainHeadsOptions, 'diverged'>,
): Promise<EpochRecord[]> {
  const started = performance.now();
  const rates = active.map(({ head, rate }) => epochRates(planOf(session, head), rate, epoch));
  const trained = await trainEpoch(session, epoch, active, rates, signal);
  const check = (scores: readonly Score[], what: string) => {
    if (diverged === 'stop') return;
    for (const { loss } of scores) checkFinite(loss, what, epoch, session);
  };
  check(trained, 'training');
  const validated = await validateEpoch(session, epoch, active, signal);
  check(validated, 'validation');
  const seconds = (performance.now() - started) / 1000;
  return active.map((_, i) => {
    const [{ loss, accuracy }, validation] = [trained[i] as Score, validated[i] as Score];
    return {
      epoch: epoch + 1,
      loss,
      accuracy,
      valLoss: validation.loss,
      valAccuracy: validation.accuracy,
      learningRate: rates[i]?.at(-1) as number,
      seconds,
    };
  });
}

/** The learning rate of each step of an epoch. */
function epochRates({ settings, schedule }: HeadPlan, rate: number, epoch: number): Float64Array {
  const steps = stepsInEpoch(schedule);
  const { learningRateSchedule: rule } = settings;
  if (rule.type !== 'cosine') return new Float64Array(steps).fill(rate);
  const warmupSteps = Math.round((rule.warmupEpochs ?? 0) * steps);
  const decaySteps = settings.epochs * steps - warmupSteps;
  const options = { peak: rate, warmupSteps, decaySteps, alpha: rule.alpha ?? 0 };
  return Float64Array.from({ length: steps }, (_, i) => cosineRate(options, epoch * steps + i));
}

/** Means over all samples of the epoch, as Keras's metrics are. */
async function trainEpoch(
  session: TrainingSession,
  epoch: number,
  active: readonly ActiveHead[],
  rates: readonly Float64Array[],
  signal: AbortSignal | undefined,
): Promise<Score[]> {
  using epochRows = await session.openEpoch(epoch, { signal });
  const { store } = epochRows;
  const drawn = new Map<string, BatchRun[]>();
  const runs = active.map(({ head }) => {
    const { schedule } = planOf(session, head);
    const key = JSON.stringify(schedule);
    const own = drawn.get(key) ?? epochBatches(schedule, epoch);
    drawn.set(key, own);
    return own;
  });
  const totals = active.map(() => ({ loss: 0, correct: 0, samples: 0, steps: 0 }));
  const { batchSize } = planOf(session, 0).schedule;
  for (let r = 0; runs.some(({ length }) => r < length); r++) {
    signal?.throwIfAborted();
    const batches: HeadBatch[] = session.heads.map(() => nothing);
    active.forEach(({ head }, i) => {
      const run = runs[i]?.[r];
      if (!run) return;
      const done = totals[i]?.steps as number;
      const learningRates = rates[i]?.slice(done, done + stepsOf(run, batchSize));
      batches[head] = { ...labelledRows(planOf(session, head), run, epochRows), learningRates };
    });
    const results = await session.trainer.trainSteps({ store, batches, batchSize }, { signal });
    active.forEach(({ head }, i) => {
      const [total, result] = [totals[i], results[head]];
      if (!total || !result) throw new HeadstartError('INTERNAL', 'The trainer gave no metrics.');
      total.loss += result.loss * result.samples;
      total.correct += result.accuracy * result.samples;
      total.samples += result.samples;
      total.steps += result.steps;
    });
  }
  return totals.map(({ loss, correct, samples }) => ({
    loss: loss / samples,
    accuracy: correct / samples,
  }));
}

function stepsOf({ samples }: BatchRun, batchSize: number): number {
  return Math.ceil(samples.length / batchSize);
}

function labelledRows(
  { trainSamples, trainLabels }: HeadPlan,
  { samples, views }: BatchRun,
  { rowOf }: EpochRows,
): LabelledRows {
  return {
    rows: samples.map((i, at) => rowOf(trainSamples[i] as number, views[at] as number)),
    labels: samples.map((i) => trainLabels[i] as number),
  };
}

async function validateEpoch(
  session: TrainingSession,
  epoch: number,
  active: readonly ActiveHead[],
  signal: AbortSignal | undefined,
): Promise<Score[]> {
  const batches: LabelledRows[] = session.heads.map(() => nothing);
  for (const { head } of active) {
    const { settings, validationLabels: labels, validationRows: rows } = planOf(session, head);
    const samples = validationSamples({ ...settings, samples: labels.length }, epoch);
    batches[head] = {
      rows: samples.map((i) => rows[i] as number),
      labels: samples.map((i) => labels[i] as number),
    };
  }
  const { trainer, validationStore: store } = session;
  const results = await trainer.evaluateHeads({ store, batches }, { signal });
  return active.map(({ head }) => results[head] as Score);
}

function planOf({ heads }: TrainingSession, head: number): HeadPlan {
  return heads[head] as HeadPlan;
}

function checkFinite(loss: number, what: string, epoch: number, session: TrainingSession): void {
  if (Number.isFinite(loss)) return;
  const rates = session.heads.map(({ settings }) => settings.learningRate);
  throw new HeadstartError(
    'TRAINING_FAILED',
    `The ${what} loss became ${loss} in epoch ${epoch + 1}: use a learning rate below ` +
      `${Math.max(...rates)}.`,
  );
}
