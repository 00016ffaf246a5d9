import { dataOptions, splitOptions } from '@headstart/core/options';
import type { Command } from 'commander';
import { type ExitCode, exitCode } from '../exit-codes.ts';
import {
  addCommonOptions,
  addDeviceOptions,
  addOptions,
  type CommonOptions,
  type DeviceOptions,
  type FlagValues,
  strictOption,
} from '../options.ts';
import { type CommandContext, noticesTo } from '../runner.ts';
import { type ImageOptions, imageOptions, imageSettings } from './image-options.ts';
import {
  addHeadTrainingOptions,
  type HeadTrainingOptions,
  headTrainingSettings,
} from './training-options.ts';

/** The options of every command that trains many heads on a folder or a feature file. */
export interface ExperimentOptions
  extends CommonOptions,
    DeviceOptions,
    FlagValues<typeof dataOptions & typeof splitOptions>,
    ImageOptions,
    HeadTrainingOptions {
  readonly strict?: boolean;
}

export function addExperimentOptions(command: Command): void {
  addOptions(command, strictOption());
  addOptions(command, { ...dataOptions, ...splitOptions, ...imageOptions });
  addHeadTrainingOptions(command);
  addDeviceOptions(command);
  addCommonOptions(command);
}

/** The command line's words as options of an experiment. */
export function experimentSettings<T extends ExperimentOptions>(
  options: T,
  { ui, signal }: CommandContext,
) {
  return {
    ...options,
    ...imageSettings(options),
    ...headTrainingSettings(options),
    signal,
    onProgress: ui.onProgress,
    onNotice: noticesTo(ui),
  };
}

/** What was left out, and why. */
export function skippedLines(
  skipped: readonly { readonly file: string; readonly reason: string }[],
): string[] {
  return skipped.map(({ file, reason }) => `skipped ${file}: ${reason}`);
}

/** How an experiment ends that is done. */
export function experimentExitCode(
  { strict }: Pick<ExperimentOptions, 'strict'>,
  { skipped }: { readonly skipped: readonly unknown[] },
): ExitCode {
  return strict && skipped.length > 0 ? exitCode.filesSkipped : exitCode.done;
}
