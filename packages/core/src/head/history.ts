import { csvText } from '../base/csv.ts';
import type { Monitor } from './early-stopping.ts';

/** One epoch's metrics. Losses are means over samples, accuracies fractions. */
export interface EpochRecord {
  /** 1-based. */
  readonly epoch: number;
  /** While training, with dropout and class weights, as Keras reports it. */
  readonly loss: number;
  readonly accuracy: number;
  /** At the epoch's end, without dropout and without class weights. */
  readonly valLoss: number;
  readonly valAccuracy: number;
  /** Of the epoch's last step. */
  readonly learningRate: number;
  readonly seconds: number;
}

/** The value that {@link Monitor} names. */
export function monitored(record: EpochRecord, monitor: Monitor): number {
  switch (monitor) {
    case 'val_accuracy':
      return record.valAccuracy;
    case 'val_loss':
      return record.valLoss;
    case 'accuracy':
      return record.accuracy;
    case 'loss':
      return record.loss;
    default:
      return monitor satisfies never;
  }
}

/** `epoch,loss,accuracy,val_loss,val_accuracy,seconds`, one row per epoch, with a heading. */
export function historyCsv(history: readonly EpochRecord[]): string {
  return csvText(
    history.map((r) => [r.epoch, r.loss, r.accuracy, r.valLoss, r.valAccuracy, r.seconds]),
    {
      header: true,
      columns: ['epoch', 'loss', 'accuracy', 'val_loss', 'val_accuracy', 'seconds'],
    },
  );
}
