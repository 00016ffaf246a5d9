import type { TrainingOptions } from '@headstart/core';
import { type Command, Option } from 'commander';
import { numberBetween, optionWithDefault as opt, wholeNumber, wordOrCount } from '../options.ts';
import {
  addOptimizerOptions,
  type OptimizerOptions,
  optimizerSettings,
} from './optimizer-options.ts';

/** How a head is trained, shared by all commands that train heads. */
export interface HeadTrainingOptions extends OptimizerOptions {
  readonly head: string;
  readonly dropout?: number;
  readonly epochs: number;
  readonly stepsPerEpoch: 'auto' | number;
  readonly batchSize: number;
  readonly monitor: 'val_accuracy' | 'val_loss' | 'accuracy' | 'loss';
  readonly minDelta: number;
  readonly patience: number;
  readonly earlyStopping: boolean;
  readonly restoreBest: boolean;
  readonly shuffle: boolean;
}

/** Defaults that are not those of `train`. */
interface Defaults {
  readonly head?: string;
  readonly monitor?: HeadTrainingOptions['monitor'];
  readonly patience?: number;
}

export function addHeadTrainingOptions(command: Command, defaults: Defaults = {}): void {
  addTrainingOptions(command, defaults.head ?? 'conv');
  addOptimizerOptions(command);
  addStoppingOptions(command, defaults);
}

/** The command line's words as options of training. */
export function headTrainingSettings(
  options: HeadTrainingOptions,
): Pick<TrainingOptions, 'learningRateSchedule'> &
  Required<Pick<TrainingOptions, 'earlyStopping'>> {
  return {
    ...optimizerSettings(options),
    earlyStopping: {
      enabled: options.earlyStopping,
      monitor: options.monitor,
      minDelta: options.minDelta,
      patience: options.patience,
    },
  };
}

function addTrainingOptions(command: Command, head: string): void {
  command
    .addOption(
      new Option(
        '--head <name|file>',
        'conv (the original head), linear, mlp or FILE.json',
      ).default(head),
    )
    .addOption(
      new Option('--dropout <rate>', 'rate of the head’s dropout layers').argParser(
        numberBetween(0, 1, { open: true }),
      ),
    )
    .addOption(opt('--epochs <n>', 'passes at most', wholeNumber(1), 50))
    .addOption(
      opt('--steps-per-epoch <n>', 'auto, or batches an epoch', wordOrCount('auto', 1), 'auto'),
    )
    .addOption(opt('--batch-size <n>', 'images a step', wholeNumber(1), 32))
    .option('--no-shuffle', 'keep the order of the files');
}

function addStoppingOptions(
  command: Command,
  { monitor = 'val_accuracy', patience = 3 }: Defaults,
): void {
  command
    .addOption(
      new Option('--monitor <metric>', 'what early stopping and the kept weights go by')
        .choices(['val_accuracy', 'val_loss', 'accuracy', 'loss'])
        .default(monitor),
    )
    .addOption(
      opt('--min-delta <x>', 'what counts as better', numberBetween(0, Number.MAX_VALUE), 1e-4),
    )
    .addOption(
      opt('--patience <n>', 'epochs without better before the end', wholeNumber(0), patience),
    )
    .option('--no-early-stopping', 'train all epochs')
    .addOption(new Option('--restore-best', 'keep the weights of the best epoch').default(true))
    .option('--no-restore-best', 'keep the weights of the last epoch');
}
