import type { Command } from 'commander';
import { type ExitCode, exitCode } from '../exit-codes.ts';
import {
  addCommonOptions,
  addDeviceOptions,
  type CommonOptions,
  type DeviceOptions,
} from '../options.ts';
import { type CommandContext, noticesTo } from '../runner.ts';
import {
  addDataOptions,
  addSplitOptions,
  type DataOptions,
  type SplitOptions,
} from './data-options.ts';
import { addImageOptions, type ImageOptions, imageSettings } from './image-options.ts';
import {
  addHeadTrainingOptions,
  type HeadTrainingOptions,
  headTrainingSettings,
} from './training-options.ts';

/** The options of every command that trains many heads on a folder or a feature file. */
export interface StudyOptions
  extends CommonOptions,
    DeviceOptions,
    DataOptions,
    SplitOptions,
    ImageOptions,
    HeadTrainingOptions {
  readonly views: number;
  readonly features?: string;
  readonly strict?: boolean;
}

export function addStudyOptions(command: Command): void {
  command.option('--strict', 'exit with code 3 where files were skipped');
  addDataOptions(command);
  addSplitOptions(command);
  addImageOptions(command, { exact: false });
  addHeadTrainingOptions(command);
  addDeviceOptions(command);
  addCommonOptions(command);
}

/** The command line's words as options of a study. */
export function studySettings<T extends StudyOptions>(options: T, { ui, signal }: CommandContext) {
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

/** How a study ends that is done. */
export function studyExitCode(
  { strict }: Pick<StudyOptions, 'strict'>,
  { skipped }: { readonly skipped: readonly unknown[] },
): ExitCode {
  return strict && skipped.length > 0 ? exitCode.filesSkipped : exitCode.done;
}
