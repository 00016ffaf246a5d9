import type { EntryValue, stoppingOptions } from '../options/index.ts';

/** What may be watched; accuracy is better when larger, loss when smaller. */
export type Monitor = EntryValue<typeof stoppingOptions.monitor>;

export interface EarlyStoppingOptions {
  readonly monitor: Monitor;
  /** A smaller change than this is not an improvement; the sign is ignored, as in Keras. */
  readonly minDelta: number;
  /** Epochs without improvement after which training stops. */
  readonly patience: number;
}

/** Everything that decides the next decision: may be written down and taken up again. */
export interface EarlyStoppingState {
  /** The best value so far, NaN included; undefined before the first epoch. */
  readonly best: number | undefined;
  /** 0-based; undefined before the first epoch. */
  readonly bestEpoch: number | undefined;
  /** Epochs since the best. */
  readonly wait: number;
}

export interface EarlyStoppingDecision {
  readonly state: EarlyStoppingState;
  /** This epoch is the best so far: keep its weights. */
  readonly improved: boolean;
  readonly stop: boolean;
}

export const initialEarlyStopping: EarlyStoppingState = {
  best: undefined,
  bestEpoch: undefined,
  wait: 0,
};

/**
 * One step of Keras 3.15's EarlyStopping (`keras/src/callbacks/early_stopping.py`): the first
 * value is best whatever it is; better means more than `minDelta` beyond the best; training stops
 * once `patience` epochs have passed without better, but never after the first epoch.
 *
 * Keras compares as float32: a value that beats the best by less than the resolution of float32 is no
 * improvement. NaN is never better, and nothing is better than NaN.
 *
 * @param epoch 0-based
 * @param value the monitored metric of that epoch
 */
export function stepEarlyStopping(
  options: EarlyStoppingOptions,
  state: EarlyStoppingState,
  epoch: number,
  value: number,
): EarlyStoppingDecision {
  const wait = state.wait + 1;
  if (state.best === undefined || isBetter(options, value, state.best)) {
    return { state: { best: value, bestEpoch: epoch, wait: 0 }, improved: true, stop: false };
  }
  const stop = wait >= options.patience && epoch > 0;
  return { state: { ...state, wait }, improved: false, stop };
}

/**
 * Whether a watched value is better than the best so far, as Keras's callbacks decide it: in
 * float32, and by more than `minDelta`; by its name more or less is better.
 */
export function isBetter(
  { monitor, minDelta }: Pick<EarlyStoppingOptions, 'monitor' | 'minDelta'>,
  value: number,
  best: number,
): boolean {
  const delta = Math.abs(minDelta);
  return monitor.endsWith('loss')
    ? Math.fround(value + delta) < Math.fround(best)
    : Math.fround(value - delta) > Math.fround(best);
}
