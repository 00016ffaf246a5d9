import { join } from 'node:path';
import type { LearningCurveResult } from '@headstart/core';
import { learningCurveOptions, plural } from '@headstart/core/options';
import type { Command } from 'commander';
import { documentOf } from '../documents.ts';
import { addOptions, type FlagValues } from '../options.ts';
import type { Runner } from '../runner.ts';
import { percent, table } from '../table.ts';
import {
  addExperimentOptions,
  type ExperimentOptions,
  experimentExitCode,
  experimentSettings,
  skippedLines,
} from './experiment-options.ts';

type LearningCurveOptions = ExperimentOptions & FlagValues<typeof learningCurveOptions>;

export function addLearningCurveCommand(program: Command, runner: Runner): void {
  const command = program
    .command('learning-curve')
    .description('measure accuracy by number of training images, and predict it for more of them')
    .argument(
      '[data]',
      'folder with one folder per class, or with train/ and validation/ folders; or a table',
    );
  addOptions(command, learningCurveOptions);
  addExperimentOptions(command);
  command.action(
    runner(async (context, data: string | undefined, options: LearningCurveOptions) => {
      const { learningCurve } = await import('@headstart/core');
      const result = await learningCurve({
        ...experimentSettings(options, context),
        data,
        validationFeatures: options.valFeatures,
      });
      context.ui.result(documentOf(result), curveText(result));
      return experimentExitCode(options, result);
    }),
  );
}

function curveText(result: LearningCurveResult): string {
  const { sizes, predictions, seeds, validationImages: images } = result;
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
