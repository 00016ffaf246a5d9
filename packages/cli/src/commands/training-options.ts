import type { TrainingOptions } from '@headstart/core';
import {
  computeOption,
  headOptions,
  optimizerOptions,
  restoreBestOption,
  scheduleOptions,
  stoppingOptions,
} from '@headstart/core/options';
import type { Command } from 'commander';
import { addOptions, type FlagValues } from '../options.ts';

/** How a head is trained, shared by all commands that train heads. */
export interface HeadTrainingOptions
  extends FlagValues<typeof headOptions & typeof optimizerOptions & typeof computeOption>,
    FlagValues<typeof scheduleOptions>,
    FlagValues<typeof stoppingOptions & typeof restoreBestOption> {}

/** Defaults that are not those of `train`. */
interface Defaults {
  readonly head: string;
  readonly monitor: HeadTrainingOptions['monitor'];
  readonly patience: number;
}

export function addHeadTrainingOptions(command: Command, defaults?: Defaults): void {
  const head = defaults && { ...headOptions.head, default: defaults.head };
  addOptions(command, { ...headOptions, ...(head && { head }) });
  addOptions(command, optimizerOptions);
  addOptions(command, scheduleOptions);
  addOptions(command, computeOption);
  const { monitor, patience } = stoppingOptions;
  const stopping = defaults && {
    monitor: { ...monitor, default: defaults.monitor },
    patience: { ...patience, default: defaults.patience },
  };
  addOptions(command, { ...stoppingOptions, ...stopping, ...restoreBestOption });
}

/** The command line's values as options of training. */
export function headTrainingSettings(
  options: HeadTrainingOptions,
): Pick<TrainingOptions, 'learningRateSchedule'> &
  Required<Pick<TrainingOptions, 'earlyStopping'>> {
  const { earlyStopping: enabled, monitor, minDelta, patience } = options;
  return {
    learningRateSchedule: schedule(options),
    earlyStopping: { enabled, monitor, minDelta, patience },
  };
}

function schedule(options: HeadTrainingOptions): TrainingOptions['learningRateSchedule'] {
  const { lrSchedule: type, warmupEpochs, lrFactor: factor, lrPatience: patience } = options;
  switch (type) {
    case 'cosine':
      return { type, warmupEpochs };
    case 'plateau':
      return { type, factor, patience };
    default:
      return { type };
  }
}
