import { join } from 'node:path';
import { type LearningCurveJobResult, learningCurveJob } from '@headstart/core';
import type { Command } from 'commander';
import { optionWithDefault as opt, wholeNumber } from '../options.ts';
import type { Runner } from '../runner.ts';
import { percent, plural, table } from '../table.ts';
import {
  addStudyOptions,
  type StudyOptions,
  skippedLines,
  studyExitCode,
  studySettings,
} from './study-options.ts';

interface LearningCurveOptions extends StudyOptions {
  readonly valFeatures?: string;
  readonly seeds: number;
  readonly sizes: number;
  readonly out?: string;
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
    );
  addStudyOptions(command);
  command.action(
    runner(async (context, data: string | undefined, options: LearningCurveOptions) => {
      const result = await learningCurveJob({
        ...studySettings(options, context),
        data,
        validationFeatures: options.valFeatures,
      });
      context.ui.result(result, curveText(result));
      return studyExitCode(options, result);
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
    ...skippedLines(result.skipped),
    `Plot: ${join(result.out, 'learning-curve.html')}`,
  ].join('\n');
}
