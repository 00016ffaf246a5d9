import type { EpochRecord, ProgressListener } from '@headstart/core';

/** One epoch as Keras prints it; with the learning rate where that may change. */
export function epochLine(
  record: EpochRecord,
  epochs: number,
  { withRate = false }: { readonly withRate?: boolean } = {},
): string {
  const { epoch, seconds, loss, accuracy, valLoss, valAccuracy } = record;
  const time = seconds < 1 ? `${Math.round(seconds * 1000)}ms` : `${seconds.toFixed(1)}s`;
  return [
    `Epoch ${epoch}/${epochs}`,
    time,
    `loss: ${loss.toFixed(4)}`,
    `accuracy: ${accuracy.toFixed(4)}`,
    `val_loss: ${valLoss.toFixed(4)}`,
    `val_accuracy: ${valAccuracy.toFixed(4)}`,
    ...(withRate ? [`learning_rate: ${record.learningRate.toExponential(4)}`] : []),
  ].join(' - ');
}

/** Progress of everything but training, of which each epoch's line has more. */
export function exceptTraining(onProgress: ProgressListener): ProgressListener {
  return (progress) => {
    if (progress.stage !== 'training') onProgress(progress);
  };
}
