import { join } from 'node:path';
import { type LearningCurveJobResult, learningCurveJob } from '@headstart/core';
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
import { noticesTo, type Runner } from '../runner.ts';
import { percent, plural, table } from '../table.ts';
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

interface LearningCurveOptions
  extends CommonOptions,
    DeviceOptions,
    DataOptions,
    SplitOptions,
    ImageOptions,
    HeadTrainingOptions {
  readonly views: number;
  readonly features?: string;
  readonly valFeatures?: string;
  readonly seeds: number;
  readonly sizes: number;
  readonly out?: string;
  readonly strict?: boolean;
}

export function addLearningCurveCommand(program: Command, runner: Runner): void {
  const command = program
    .command('learning-curve')
    .description('accuracy by number of training images, and what more of them would give')
    .argument('[data]', 'folder with one folder a class, or with train/ and validation/ folders')
    .option('--features <file>', 'train on a feature file (safetensors) instead of a folder')
    .option('--val-features <file>', 'the feature file that is measured on')
    .addOption(opt('--seeds <n>', 'times that subsets are drawn anew', wholeNumber(1), 5))
    .addOption(opt('--sizes <n>', 'numbers of training images', wholeNumber(4), 8))
    .option(
      '--out <folder>',
      'where plot and JSON go (default: learning-curves/<name of the data>)',
    )
    .option('--strict', 'exit with code 3 where files were skipped');
  addDataOptions(command);
  addSplitOptions(command);
  addImageOptions(command, { exact: false });
  addHeadTrainingOptions(command);
  addDeviceOptions(command);
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, data: string | undefined, options: LearningCurveOptions) => {
      const result = await learningCurveJob({
        ...options,
        ...imageSettings(options),
        ...headTrainingSettings(options),
        data,
        validationFeatures: options.valFeatures,
        signal,
        onProgress: ui.onProgress,
        onNotice: noticesTo(ui),
      });
      ui.result(result, curveText(result));
      return options.strict && result.skipped.length > 0 ? exitCode.filesSkipped : exitCode.done;
    }),
  );
}

function curveText(result: LearningCurveJobResult): string {
  const { sizes, predictions, seeds, validation_images: images } = result;
  const measured = sizes.map(({ images: n, accuracy, accuracies }) => [
    n,
    percent(accuracy),
    `${percent(Math.min(...accuracies))} to ${percent(Math.max(...accuracies))}`,
  ]);
  const ahead = predictions.map(({ images: n, accuracy, interval: [low, high], gain }) => [
    n,
    percent(accuracy),
    `${percent(low)} to ${percent(high)}`,
    `${gain >= 0 ? '+' : ''}${(100 * gain).toFixed(1)}`,
  ]);
  return [
    `Measured on ${plural(images, 'validation image')}, ${plural(seeds, 'seed')}:`,
    '',
    table(['images', 'accuracy', 'least to most'], measured),
    '',
    'With more images, by a power law:',
    '',
    table(['images', 'accuracy', '95 % interval', 'gain, points'], ahead),
    '',
    `Plot: ${join(result.out, 'learning-curve.html')}`,
  ].join('\n');
}
