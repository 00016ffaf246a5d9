import type { CompareResult } from '@headstart/core';
import { compareOptions, plural } from '@headstart/core/options';
import type { Command } from 'commander';
import { documentOf } from '../documents.ts';
import { addCommonOptions, addOptions, type CommonOptions, type FlagValues } from '../options.ts';
import type { Runner } from '../runner.ts';
import { percent, table } from '../table.ts';

type CompareOptions = CommonOptions & FlagValues<typeof compareOptions>;

export function addCompareCommand(program: Command, runner: Runner): void {
  const command = program
    .command('compare')
    .description(
      'test whether runs differ by more than chance on the validation images that they share',
    )
    .argument('<run...>', 'two run folders or more; the others are compared with the first');
  addOptions(command, compareOptions);
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, runs: readonly string[], options: CompareOptions) => {
      const { compareRuns } = await import('@headstart/core');
      const result = await compareRuns({ runs, seed: options.seed, signal });
      ui.result(documentOf(result), compareText(result));
      return undefined;
    }),
  );
}

function compareText({ images, matchedBy: by, runs, comparisons }: CompareResult): string {
  const accuracies = runs.map(({ run, accuracy, interval: [low, high] }) => [
    run,
    percent(accuracy),
    `${percent(low)} to ${percent(high)}`,
  ]);
  const points = (share: number) => `${share > 0 ? '+' : ''}${(100 * share).toFixed(1)}`;
  const differences = comparisons.map((c) => [
    c.run,
    points(c.difference),
    `${points(c.interval[0])} to ${points(c.interval[1])}`,
    chance(c.pValue),
    chance(c.mcnemarPValue),
    `${c.onlyRunRight} and ${c.onlyBaselineRight}`,
    c.interval[0] > 0 ? 'better' : c.interval[1] < 0 ? 'worse' : 'no difference shown',
  ]);
  return [
    `${plural(images, 'validation image')}, the same in all runs (matched by ${by})`,
    '',
    table(['run', 'accuracy', '95 % interval'], accuracies),
    '',
    `Against ${runs[0]?.run}, in percentage points:`,
    '',
    table(
      ['run', 'difference', '95 % interval', 'p', 'McNemar p', 'only it, only the first right', ''],
      differences,
    ),
  ].join('\n');
}

function chance(p: number): string {
  return p < 0.001 ? '< 0.001' : p.toFixed(3);
}
