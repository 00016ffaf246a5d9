import { describeChoice, type SweepJobResult, sweepJob, type TrialSummary } from '@headstart/core';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { wholeNumber } from '../options.ts';
import { duration } from '../progress.ts';
import type { Runner } from '../runner.ts';
import { percent, plural, table } from '../table.ts';
import {
  addStudyOptions,
  type StudyOptions,
  skippedLines,
  studyExitCode,
  studySettings,
} from './study-options.ts';

interface SweepOptions extends StudyOptions {
  readonly valFeatures?: string;
  readonly trials?: number;
  readonly budget?: number;
  readonly space?: string;
  readonly search: 'halving' | 'random';
  readonly out?: string;
}

/** `90`, `90s`, `10m` or `2h`, as seconds. */
function seconds(text: string): number {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(text.trim()) ?? [];
  const value = Number(number) * { s: 1, m: 60, h: 3600 }[unit as 's' | 'm' | 'h'];
  if (number !== undefined && value > 0) return value;
  throw new InvalidArgumentError('Give a time above 0, as 90s, 10m or 2h.');
}

export function addSweepCommand(program: Command, runner: Runner): void {
  const command = program
    .command('sweep')
    .description('search for a better head: hundreds at once over cached features; keeps the best')
    .argument('[data]', 'folder with one folder a class, or with train/ and validation/ folders')
    .option('--features <file>', 'search on a feature file (safetensors) instead of a folder')
    .option('--val-features <file>', 'the feature file that validates')
    .addOption(
      new Option(
        '--trials <n>',
        'heads to try, the one that train makes among them (default: 64, or what the budget allows)',
      ).argParser(wholeNumber(1)),
    )
    .addOption(new Option('--budget <time>', 'time for trials, as 60s or 10m').argParser(seconds))
    .option('--space <file>', 'what is searched (JSON); see docs/studies.md')
    .addOption(
      new Option('--search <how>', 'halving stops the worse ones early; random trains all')
        .choices(['halving', 'random'])
        .default('halving'),
    )
    .option(
      '--out <folder>',
      'where trials and the best run go (default: sweeps/<name of the data>)',
    );
  addStudyOptions(command);
  command.action(
    runner(async (context, data: string | undefined, options: SweepOptions) => {
      const vectors = command.getOptionValueSource('head') === 'default';
      const result = await sweepJob({
        ...studySettings(options, context),
        head: vectors ? undefined : options.head,
        data,
        validationFeatures: options.valFeatures,
      });
      context.ui.result(result, sweepText(result));
      return studyExitCode(options, result);
    }),
  );
}

function sweepText(result: SweepJobResult): string {
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
    `${plural(trials, 'trial')} in ${duration(result.sweep_s)}, on ${plural(images, 'validation image')}`,
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
