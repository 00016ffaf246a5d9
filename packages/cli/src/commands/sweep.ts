import { describeChoice, type SweepJobResult, sweepJob, type TrialSummary } from '@headstart/core';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { exitCode } from '../exit-codes.ts';
import {
  addCommonOptions,
  addDeviceOptions,
  type CommonOptions,
  type DeviceOptions,
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
import { addImageOptions, type ImageOptions, imageSettings } from './image-options.ts';
import {
  addHeadTrainingOptions,
  type HeadTrainingOptions,
  headTrainingSettings,
} from './training-options.ts';

interface SweepOptions
  extends CommonOptions,
    DeviceOptions,
    DataOptions,
    SplitOptions,
    ImageOptions,
    HeadTrainingOptions {
  readonly views: number;
  readonly features?: string;
  readonly valFeatures?: string;
  readonly trials?: number;
  readonly budget?: number;
  readonly space?: string;
  readonly search: 'halving' | 'random';
  readonly out?: string;
  readonly strict?: boolean;
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
    )
    .option('--strict', 'exit with code 3 where files were skipped');
  addDataOptions(command);
  addSplitOptions(command);
  addImageOptions(command, { exact: false });
  addHeadTrainingOptions(command);
  addDeviceOptions(command);
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, data: string | undefined, options: SweepOptions) => {
      const vectors = command.getOptionValueSource('head') === 'default';
      const result = await sweepJob({
        ...options,
        ...imageSettings(options),
        ...headTrainingSettings(options),
        head: vectors ? undefined : options.head,
        data,
        validationFeatures: options.valFeatures,
        signal,
        onProgress: ui.onProgress,
        onNotice: noticesTo(ui),
      });
      ui.result(result, sweepText(result));
      return options.strict && result.skipped.length > 0 ? exitCode.filesSkipped : exitCode.done;
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
    `Run: ${result.run}`,
    `All trials: ${result.page}`,
  ].join('\n');
}
