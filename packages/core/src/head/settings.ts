import type { OptimizerSpec } from '@headstart/native';
import { HeadstartError } from '../base/errors.ts';
import { type EarlyStoppingOptions, monitors } from './early-stopping.ts';
import type { LearningRateSchedule, PlateauOptions } from './learning-rate.ts';
import { type ClassWeights, optimizerNames, type TrainingOptions } from './options.ts';
import type { ScheduleOptions, ViewPolicy } from './schedule.ts';
import { type HeadSpec, headPreset } from './spec.ts';

/** {@link TrainingOptions} with every default filled in and every value checked. */
export interface TrainingSettings {
  readonly head: HeadSpec;
  readonly dropout: number | undefined;
  readonly epochs: number;
  readonly stepsPerEpoch: 'auto' | number;
  readonly validationSteps: 'all' | number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly optimizer: OptimizerSpec;
  readonly weightDecay: number | undefined;
  readonly l2: number;
  readonly labelSmoothing: number;
  readonly learningRateSchedule: Exclude<LearningRateSchedule, { type: 'plateau' }> | Plateau;
  readonly classWeights: ClassWeights;
  readonly earlyStopping: EarlyStoppingOptions & { readonly enabled: boolean };
  readonly restoreBest: boolean;
  readonly views: ViewPolicy;
  readonly shuffle: boolean;
  readonly seed: number;
}

type Plateau = PlateauOptions & { readonly type: 'plateau' };

const largestCount = 2 ** 31 - 1;
const largestBatch = 65_536;

/** @throws HeadstartError `USAGE` naming the option, its value and what it may be */
export function trainingSettings(options: TrainingOptions): TrainingSettings {
  const stopping = options.earlyStopping ?? {};
  return {
    head: options.head ?? headPreset('conv'),
    dropout: options.dropout,
    epochs: count('epochs', options.epochs ?? 50),
    stepsPerEpoch: countOr('stepsPerEpoch', 'auto', options.stepsPerEpoch ?? 'auto'),
    validationSteps: countOr('validationSteps', 'all', options.validationSteps ?? 'all'),
    batchSize: count('batchSize', options.batchSize ?? 32, 1, largestBatch),
    learningRate: positive('learningRate', options.learningRate ?? 1e-3),
    optimizer: optimizer(options),
    weightDecay: options.weightDecay && atLeastZero('weightDecay', options.weightDecay),
    l2: atLeastZero('l2', options.l2 ?? 0),
    labelSmoothing: fraction('labelSmoothing', options.labelSmoothing ?? 0),
    learningRateSchedule: learningRateSchedule(options),
    classWeights: classWeights(options.classWeights ?? 'none'),
    earlyStopping: {
      enabled: stopping.enabled ?? true,
      monitor: oneOf('monitor', monitors, stopping.monitor ?? 'val_accuracy'),
      minDelta: finite('minDelta', stopping.minDelta ?? 1e-4),
      patience: count('patience', stopping.patience ?? 3, 0),
    },
    restoreBest: options.restoreBest ?? true,
    views: viewPolicy(options.views ?? 'none'),
    shuffle: options.shuffle ?? true,
    seed: count('seed', options.seed ?? 0, 0, Number.MAX_SAFE_INTEGER),
  };
}

function optimizer(options: TrainingOptions): OptimizerSpec {
  const type = oneOf('optimizer', optimizerNames, options.optimizer ?? 'adam');
  const momentum = fraction('momentum', options.momentum ?? 0);
  const nesterov = options.nesterov ?? false;
  if (nesterov && (type !== 'sgd' || momentum === 0)) {
    throw wrong('nesterov', nesterov, 'left out, unless the optimizer is sgd with momentum');
  }
  switch (type) {
    case 'sgd':
      return { type, momentum, nesterov };
    case 'rmsprop':
      return { type, momentum };
    default:
      if (momentum === 0) return { type };
      throw wrong('momentum', momentum, `left out, as the optimizer ${type} has none`);
  }
}

function learningRateSchedule(options: TrainingOptions): TrainingSettings['learningRateSchedule'] {
  const schedule = options.learningRateSchedule ?? { type: 'constant' };
  switch (schedule.type) {
    case 'constant':
      return { type: 'constant' };
    case 'cosine': {
      const warmupEpochs = atLeastZero('warmupEpochs', schedule.warmupEpochs ?? 0);
      if (warmupEpochs >= (options.epochs ?? 50)) {
        throw wrong('warmupEpochs', warmupEpochs, 'less than the number of epochs');
      }
      return { type: 'cosine', warmupEpochs, alpha: fraction('alpha', schedule.alpha ?? 0) };
    }
    case 'plateau':
      return {
        type: 'plateau',
        factor: fraction('factor', schedule.factor ?? 0.1),
        patience: count('patience', schedule.patience ?? 2, 0),
        minDelta: atLeastZero('minDelta', schedule.minDelta ?? 1e-4),
        cooldown: count('cooldown', schedule.cooldown ?? 0, 0),
        minRate: atLeastZero('minRate', schedule.minRate ?? 0),
      };
    default:
      throw wrong(
        'learningRateSchedule',
        (schedule as { type?: unknown }).type,
        'constant, cosine or plateau',
      );
  }
}

function classWeights(value: ClassWeights): ClassWeights {
  if (value === 'none' || value === 'balanced') return value;
  if (typeof value === 'string') throw wrong('classWeights', value, 'none or balanced');
  return value.map((weight) => atLeastZero('classWeights', weight));
}

/**
 * The schedule that training with these options follows over `samples` training images: give it to
 * `planViews` to learn which views to extract.
 *
 * @throws HeadstartError `USAGE`
 */
export function trainingSchedule(options: TrainingOptions, samples: number): ScheduleOptions {
  const { batchSize, stepsPerEpoch, epochs, views, shuffle, seed } = trainingSettings(options);
  return { samples, batchSize, stepsPerEpoch, epochs, views, shuffle, seed };
}

function count(name: string, value: number, least = 1, most = largestCount): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw wrong(name, value, `an integer from ${least} to ${most}`);
}

function countOr<Word extends string>(name: string, word: Word, value: Word | number) {
  if (value === word) return word;
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= largestCount) {
    return value as number;
  }
  throw wrong(name, value, `${word} or an integer from 1 to ${largestCount}`);
}

function positive(name: string, value: number): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw wrong(name, value, 'a number above 0');
}

function atLeastZero(name: string, value: number): number {
  if (Number.isFinite(value) && value >= 0) return value;
  throw wrong(name, value, 'a number of at least 0');
}

function fraction(name: string, value: number): number {
  if (value >= 0 && value < 1) return value;
  throw wrong(name, value, 'a number from 0 to below 1');
}

function finite(name: string, value: number): number {
  if (Number.isFinite(value)) return value;
  throw wrong(name, value, 'a finite number');
}

function oneOf<T extends string>(name: string, allowed: readonly T[], value: T): T {
  if (allowed.includes(value)) return value;
  throw wrong(name, value, allowed.join(' or '));
}

function viewPolicy(value: ViewPolicy): ViewPolicy {
  if (value === 'none' || value === 'exact') return value;
  if (Number.isInteger(value) && value >= 1 && value <= 1_000_000) return value;
  throw wrong('views', value, 'none, exact or an integer from 1 to 1000000');
}

function wrong(name: string, value: unknown, expected: string): HeadstartError {
  const shown = typeof value === 'string' ? `"${value}"` : String(value);
  return new HeadstartError('USAGE', `The option ${name} must be ${expected}, not ${shown}.`);
}
