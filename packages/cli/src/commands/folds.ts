import { type FoldsJobResult, foldsJob } from '@headstart/core';
import type { Command } from 'commander';
import { exitCode } from '../exit-codes.ts';
import {
  addCommonOptions,
  addDeviceOptions,
  type CommonOptions,
  type DeviceOptions,
  optionWithDefault as opt,
  wholeNumber,
} from '../options.ts';
import { duration } from '../progress.ts';
import { noticesTo, type Runner } from '../runner.ts';
import { percent, plural, table } from '../table.ts';
import {
  addDataOptions,
  addSplitOptions,
  type DataOptions,
  type SplitOptions,
} from './data-options.ts';
import { foldsLine } from './folds-text.ts';
import { addImageOptions, type ImageOptions, imageSettings } from './image-options.ts';
import {
  addHeadTrainingOptions,
  type HeadTrainingOptions,
  headTrainingSettings,
} from './training-options.ts';

interface FoldsOptions
  extends CommonOptions,
    DeviceOptions,
    DataOptions,
    SplitOptions,
    ImageOptions,
    HeadTrainingOptions {
  readonly views: number;
  readonly features?: string;
  readonly folds: number;
  readonly seeds: number;
  readonly strict?: boolean;
}

export function addFoldsCommand(program: Command, runner: Runner): void {
  const command = program
    .command('folds')
    .description('how accurate heads are on images they were not trained on: k-fold, with interval')
    .argument(
      '[data]',
      'folder with one folder a class, or with a train/ folder, whose images count',
    )
    .option('--features <file>', 'the images of a feature file (safetensors) instead of a folder')
    .addOption(opt('--folds <k>', 'parts of the images', wholeNumber(2), 5))
    .addOption(opt('--seeds <n>', 'times that they are parted anew', wholeNumber(1), 1))
    .option('--strict', 'exit with code 3 where files were skipped');
  addDataOptions(command);
  addSplitOptions(command);
  addImageOptions(command, { exact: false });
  addHeadTrainingOptions(command);
  addDeviceOptions(command);
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, data: string | undefined, options: FoldsOptions) => {
      const result = await foldsJob({
        ...options,
        ...imageSettings(options),
        ...headTrainingSettings(options),
        data,
        signal,
        onProgress: ui.onProgress,
        onNotice: noticesTo(ui),
      });
      ui.result(result, foldsText(result));
      return options.strict && result.skipped.length > 0 ? exitCode.filesSkipped : exitCode.done;
    }),
  );
}

function foldsText(result: FoldsJobResult): string {
  const { skipped, fold_accuracies: accuracies } = result;
  const rows = accuracies.map((each, i) => [i + 1, ...each.map((accuracy) => percent(accuracy))]);
  const header = Array.from({ length: result.folds }, (_, fold) => `fold ${fold + 1}`);
  const lines = [
    foldsLine(result),
    '',
    table(['seed', ...header], rows),
    '',
    `${plural(result.folds * result.seeds, 'head')} (${result.head}) in ${duration(result.train_s)}`,
    ...skipped.map(({ file, reason }) => `skipped ${file}: ${reason}`),
  ];
  return lines.join('\n');
}
