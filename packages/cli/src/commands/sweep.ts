import type { SweepResult, TrialSummary } from '@headstart/core';
import { plural, sweepOptions } from '@headstart/core/options';
import type { Command } from 'commander';
import { documentOf } from '../documents.ts';
import { addOptions, type FlagValues } from '../options.ts';
import { duration } from '../progress.ts';
import type { Runner } from '../runner.ts';
import { percent, table } from '../table.ts';
import {
  addExperimentOptions,
  type ExperimentOptions,
  experimentExitCode,
  experimentSettings,
  skippedLines,
} from './experiment-options.ts';
import { backboneOfFiles } from './image-options.ts';

type DescribeChoice = typeof import('@headstart/core').describeChoice;

type SweepOptions = ExperimentOptions & FlagValues<typeof sweepOptions>;

export function addSweepCommand(program: Command, runner: Runner): void {
  const command = program
    .command('sweep')
    .description('search for a better head: hundreds at once over cached features; keeps the best')
    .argument(
      '[data]',
      'folder with one folder per class, or with train/ and validation/ folders; or a table',
    );
  addOptions(command, sweepOptions);
  addExperimentOptions(command);
  command.action(
    runner(async (context, data: string | undefined, options: SweepOptions) => {
      const { describeChoice, sweep } = await import('@headstart/core');
      const result = await sweep({
        ...experimentSettings(options, context),
        ...backboneOfFiles(command, data),
        data,
        validationFeatures: options.valFeatures,
      });
      context.ui.result(documentOf(result), sweepText(result, describeChoice));
      return experimentExitCode(options, result);
    }),
  );
}

function sweepText(result: SweepResult, describeChoice: DescribeChoice): string {
  const { leaderboard, baseline, refit, trials, images } = result;
  const row = (rank: number | string, { accuracy, interval, epochs, options }: TrialSummary) => [
    rank,
    percent(accuracy),
    `${percent(interval[0])} to ${percent(interval[1])}`,
    epochs,
    describeChoice(options),
  ];
  const rows = leaderboard.map((trial, i) => row(i + 1, trial));
  if (baseline) rows.push(row('default', baseline));
  return [
    `${plural(trials, 'trial')} in ${duration(result.sweepSeconds)}, on ${plural(images, 'validation image')}`,
    '',
    table(['rank', 'accuracy', '95 % interval', 'epochs', 'options'], rows),
    '',
    `The best, trained again: ${percent(refit.accuracy)}, loss ${refit.loss.toFixed(4)}. The best of many ` +
      'is a little too good: measure it on other images.',
    ...skippedLines(result.skipped),
    `Run: ${result.run}`,
    `All trials: ${result.page}`,
  ].join('\n');
}
