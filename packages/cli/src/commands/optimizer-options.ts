import type { LearningRateSchedule, OptimizerName, TrainingOptions } from '@headstart/core';
import { type Command, Option } from 'commander';
import { numberBetween, optionWithDefault, positiveNumber, wholeNumber } from '../options.ts';

/** What decides each step of training. */
export interface OptimizerOptions {
  readonly learningRate: number;
  readonly optimizer: OptimizerName;
  readonly momentum?: number;
  readonly nesterov?: boolean;
  readonly weightDecay?: number;
  readonly l2: number;
  readonly labelSmoothing: number;
  readonly classWeights: 'none' | 'balanced';
  readonly lrSchedule: LearningRateSchedule['type'];
  readonly warmupEpochs?: number;
  readonly lrFactor?: number;
  readonly lrPatience?: number;
  readonly compute: 'fp32' | 'tf32' | 'bf16';
}

export function addOptimizerOptions(command: Command): void {
  const fraction = numberBetween(0, 1, { open: true });
  const atLeastZero = numberBetween(0, Number.MAX_VALUE);
  command
    .addOption(
      optionWithDefault('--learning-rate <x>', 'step size of the optimizer', positiveNumber, 1e-3),
    )
    .addOption(
      new Option('--optimizer <name>', 'as Keras defines it')
        .choices(['adam', 'adamw', 'sgd', 'rmsprop'])
        .default('adam'),
    )
    .addOption(new Option('--momentum <x>', 'of sgd and rmsprop (default: 0)').argParser(fraction))
    .option('--nesterov', 'Nesterov’s form of sgd with momentum')
    .addOption(
      new Option('--weight-decay <x>', 'decoupled (default: 0, for adamw 0.004)').argParser(
        atLeastZero,
      ),
    )
    .addOption(
      optionWithDefault('--l2 <x>', 'penalty on the squares of the kernels', atLeastZero, 0),
    )
    .addOption(
      optionWithDefault('--label-smoothing <x>', 'share of a target spread evenly', fraction, 0),
    )
    .addOption(
      new Option('--class-weights <how>', 'weight classes by how rare they are')
        .choices(['none', 'balanced'])
        .default('none'),
    )
    .addOption(
      new Option('--lr-schedule <name>', 'how the learning rate goes on')
        .choices(['constant', 'cosine', 'plateau'])
        .default('constant'),
    )
    .addOption(
      new Option('--warmup-epochs <x>', 'of cosine: linear from 0 (default: 0)').argParser(
        atLeastZero,
      ),
    )
    .addOption(
      new Option('--lr-factor <x>', 'of plateau: times this (default: 0.1)').argParser(fraction),
    )
    .addOption(
      new Option('--lr-patience <n>', 'of plateau: epochs without better (default: 2)').argParser(
        wholeNumber(0),
      ),
    )
    .addOption(
      new Option('--compute <how>', 'what the head multiplies in: tf32 (GPU) and bf16 are faster')
        .choices(['fp32', 'tf32', 'bf16'])
        .default('fp32'),
    );
}

/** The command line's words as options of training. */
export function optimizerSettings(
  options: OptimizerOptions,
): Pick<TrainingOptions, 'learningRateSchedule'> {
  const { lrSchedule: type, warmupEpochs, lrFactor: factor, lrPatience: patience } = options;
  switch (type) {
    case 'cosine':
      return { learningRateSchedule: { type, warmupEpochs } };
    case 'plateau':
      return { learningRateSchedule: { type, factor, patience } };
    default:
      return { learningRateSchedule: { type } };
  }
}
