import { HeadstartError } from '../errors.ts';
import type { OperationOptions } from '../operation.ts';
import type { EpochRecord } from './history.ts';
import type { Score } from './options.ts';
import { epochBatches, validationSamples } from './schedule.ts';
import type { TrainingSession } from './session.ts';

/**
 * Trains one epoch (0-based) and validates it.
 *
 * @throws HeadstartError `TRAINING_FAILED` where a loss is not finite
 */
export async function runEpoch(
  session: TrainingSession,
  epoch: number,
  { signal }: OperationOptions,
): Promise<EpochRecord> {
  const started = performance.now();
  const { loss, accuracy } = await trainEpoch(session, epoch, signal);
  checkFinite(loss, 'training', epoch, session);
  const validation = await validateEpoch(session, epoch, signal);
  checkFinite(validation.loss, 'validation', epoch, session);
  return {
    epoch: epoch + 1,
    loss,
    accuracy,
    valLoss: validation.loss,
    valAccuracy: validation.accuracy,
    seconds: (performance.now() - started) / 1000,
  };
}

/** Means over all samples of the epoch, as Keras's metrics are. */
async function trainEpoch(
  { trainer, openEpoch, schedule, trainLabels }: TrainingSession,
  epoch: number,
  signal: AbortSignal | undefined,
): Promise<Score> {
  using epochRows = await openEpoch(epoch, { signal });
  const { store, rowOf } = epochRows;
  let [loss, correct, samples] = [0, 0, 0];
  for (const run of epochBatches(schedule, epoch)) {
    signal?.throwIfAborted();
    const rows = run.samples.map((sample, i) => rowOf(sample, run.views[i] as number));
    const labels = run.samples.map((sample) => trainLabels[sample] as number);
    const [result] = await trainer.trainSteps(
      { store, batches: [{ rows, labels }], batchSize: schedule.batchSize },
      { signal },
    );
    if (!result) throw new HeadstartError('INTERNAL', 'The trainer gave no metrics.');
    loss += result.loss * result.samples;
    correct += result.accuracy * result.samples;
    samples += result.samples;
  }
  return { loss: loss / samples, accuracy: correct / samples };
}

async function validateEpoch(
  session: TrainingSession,
  epoch: number,
  signal: AbortSignal | undefined,
): Promise<Score> {
  const { settings, validationLabels, validationRows } = session;
  const { batchSize, validationSteps, shuffle, seed } = settings;
  const samples = validationSamples(
    { samples: validationLabels.length, batchSize, validationSteps, shuffle, seed },
    epoch,
  );
  return session.trainer.evaluate(
    {
      store: session.validationStore,
      rows: samples.map((i) => validationRows[i] as number),
      labels: samples.map((i) => validationLabels[i] as number),
    },
    { signal },
  );
}

function checkFinite(loss: number, what: string, epoch: number, session: TrainingSession): void {
  if (Number.isFinite(loss)) return;
  throw new HeadstartError(
    'TRAINING_FAILED',
    `The ${what} loss became ${loss} in epoch ${epoch + 1}: use a learning rate below ` +
      `${session.settings.learningRate}; if it happens at any rate, the features hold values that ` +
      'are not numbers.',
  );
}
