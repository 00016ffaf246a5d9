import { isBetter, type Monitor } from './early-stopping.ts';

/** How the learning rate goes on from its first value. */
export type LearningRateSchedule =
  | { readonly type: 'constant' }
  | {
      /** Down to `alpha` times the rate along half a cosine, after a linear warm-up from 0. */
      readonly type: 'cosine';
      /** Default 0. */
      readonly warmupEpochs?: number | undefined;
      /** Default 0. */
      readonly alpha?: number | undefined;
    }
  | ({
      /** Reduced where the watched metric no longer gets better. */
      readonly type: 'plateau';
    } & { readonly [Key in keyof PlateauOptions]?: PlateauOptions[Key] | undefined });

export interface CosineOptions {
  /** The rate at the end of the warm-up. */
  readonly peak: number;
  readonly warmupSteps: number;
  /** Steps from the peak to the end. */
  readonly decaySteps: number;
  /** The last rate, as a fraction of the peak. */
  readonly alpha: number;
}

/**
 * The rate of one step, counted from 0, as Keras 3.15's CosineDecay with `initial_learning_rate` 0
 * and `warmup_target` the peak; without warm-up, with `initial_learning_rate` the peak. The decay
 * is that of I. Loshchilov and F. Hutter, "SGDR: Stochastic gradient descent with warm restarts"
 * (2017), without restarts.
 */
export function cosineRate(options: CosineOptions, step: number): number {
  const { peak, warmupSteps, decaySteps, alpha } = options;
  if (step < warmupSteps) return (peak * step) / warmupSteps;
  const fraction = Math.min(1, (step - warmupSteps) / decaySteps);
  const cosine = 0.5 * (1 + Math.cos(Math.PI * fraction));
  return peak * ((1 - alpha) * cosine + alpha);
}

/** As Keras's ReduceLROnPlateau, whose defaults these are but for `patience`. */
export interface PlateauOptions {
  /** Below 1; default 0.1. */
  readonly factor: number;
  /** Epochs without better before the rate is reduced; default 2, less than early stopping's. */
  readonly patience: number;
  /** Default 1e-4. */
  readonly minDelta: number;
  /** Epochs after a reduction in which none are counted; default 0. */
  readonly cooldown: number;
  /** Default 0. */
  readonly minRate: number;
}

/** Plain data: it goes into checkpoints. */
export interface PlateauState {
  /** Undefined before the first epoch. */
  readonly best: number | undefined;
  readonly wait: number;
  readonly cooldown: number;
}

export const initialPlateau: PlateauState = { best: undefined, wait: 0, cooldown: 0 };

/**
 * One step of Keras 3.15's ReduceLROnPlateau (`keras/src/callbacks/reduce_lr_on_plateau.py`).
 *
 * @param value the watched metric of the epoch that has ended; by its name more or less is better
 * @param rate the rate of that epoch
 * @returns the rate of the next
 */
export function stepPlateau(
  options: PlateauOptions & { readonly monitor: Monitor },
  state: PlateauState,
  value: number,
  rate: number,
): { readonly state: PlateauState; readonly rate: number } {
  const { factor, patience, minRate } = options;
  const cooling = state.cooldown > 0;
  const cooldown = cooling ? state.cooldown - 1 : 0;
  const waited = cooling ? 0 : state.wait;
  if (state.best === undefined || isBetter(options, value, state.best)) {
    return { state: { best: value, wait: 0, cooldown }, rate };
  }
  if (cooldown > 0) return { state: { ...state, wait: waited, cooldown }, rate };
  const wait = waited + 1;
  if (wait < patience || Math.fround(rate) <= Math.fround(minRate)) {
    return { state: { ...state, wait, cooldown }, rate };
  }
  return {
    state: { ...state, wait: 0, cooldown: options.cooldown },
    // Keras's optimizer holds its rate as float32.
    rate: Math.fround(Math.max(Math.fround(rate) * factor, minRate)),
  };
}
