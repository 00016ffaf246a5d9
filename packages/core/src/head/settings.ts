import type { OptimizerSpec } from '@headstart/native';
import {
  headOptions,
  number,
  optimizerOptions,
  restoreBestOption,
  rowViewsOption,
  type SettledOptions,
  scheduleDetails,
  scheduleOptions,
  seedOption,
  settleOptions,
  stoppingOptions,
  validationStepsOption,
  wrongOption,
} from '../options/index.ts';
import type { EarlyStoppingOptions } from './early-stopping.ts';
import type { LearningRateSchedule, PlateauOptions } from './learning-rate.ts';
import type { ClassWeights, TrainingOptions } from './options.ts';
import type { ScheduleOptions, ViewPolicy } from './schedule.ts';

/** {@link TrainingOptions} with every default filled in and every value checked. */
export interface TrainingSettings {
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

const { head: _head, ...lengthOptions } = headOptions;
const { classWeights: classWeightsOption, ...stepOptions } = optimizerOptions;

/** The options that are one value each, but for `classWeights`, which may be a list. */
const singleValues = {
  ...lengthOptions,
  ...stepOptions,
  ...validationStepsOption,
  ...restoreBestOption,
  ...rowViewsOption,
  ...seedOption,
};

/** @throws HeadstartError `USAGE` naming the option, its value and what it may be */
export function trainingSettings(options: TrainingOptions): TrainingSettings {
  const { momentum, nesterov, ...values } = settleOptions(singleValues, options);
  return {
    ...values,
    optimizer: optimizer({ ...values, momentum, nesterov }),
    learningRateSchedule: learningRateSchedule(options, values.epochs),
    classWeights: classWeights(options.classWeights ?? classWeightsOption.default),
    earlyStopping: settleOptions(stoppingOptions, options.earlyStopping ?? {}, 'earlyStopping'),
  };
}

function optimizer(options: SettledOptions<typeof stepOptions>): OptimizerSpec {
  const { optimizer: type, momentum, nesterov } = options;
  if (nesterov && (type !== 'sgd' || momentum === 0)) {
    throw wrongOption('nesterov', true, 'left out, unless the optimizer is sgd with momentum');
  }
  switch (type) {
    case 'sgd':
      return { type, momentum, nesterov };
    case 'rmsprop':
      return { type, momentum };
    default:
      if (momentum === 0) return { type };
      throw wrongOption('momentum', momentum, `left out, as the optimizer ${type} has none`);
  }
}

function learningRateSchedule(
  { learningRateSchedule: given }: TrainingOptions,
  epochs: number,
): TrainingSettings['learningRateSchedule'] {
  const table = { ...scheduleOptions, ...scheduleDetails };
  const schedule = settleOptions(table, given ?? {}, 'learningRateSchedule');
  const { type, warmupEpochs, alpha, ...plateau } = schedule;
  if (type === 'constant') return { type };
  if (type === 'plateau') return { type, ...plateau };
  if (warmupEpochs < epochs) return { type, warmupEpochs, alpha };
  throw wrongOption(
    'learningRateSchedule.warmupEpochs',
    warmupEpochs,
    'less than the number of epochs',
  );
}

const classWeight = number({ min: 0 });

function classWeights(value: ClassWeights): ClassWeights {
  const { kind } = classWeightsOption;
  const wrong =
    typeof value === 'string' ? undefined : value.find((one) => !classWeight.accepts(one));
  if (wrong !== undefined) throw wrongOption('classWeights', wrong, classWeight.expected);
  if (typeof value !== 'string' || kind.accepts(value)) return value;
  throw wrongOption('classWeights', value, kind.expected);
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
