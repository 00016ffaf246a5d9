import type { CrossValidateResult } from '@headstart/core';
import { foldsOptions, plural } from '@headstart/core/options';
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
import { foldsLine } from './folds-text.ts';

type FoldsOptions = ExperimentOptions & FlagValues<typeof foldsOptions>;

export function addFoldsCommand(program: Command, runner: Runner): void {
  const command = program
    .command('folds')
    .description('measure accuracy by k-fold cross-validation, with its interval')
    .argument(
      '[data]',
      'folder with one folder per class, or with a train/ folder, whose images count; or a table',
    );
  addOptions(command, foldsOptions);
  addExperimentOptions(command);
  command.action(
    runner(async (context, data: string | undefined, options: FoldsOptions) => {
      const { crossValidate } = await import('@headstart/core');
      const result = await crossValidate({
        ...experimentSettings(options, context),
        data,
      });
      context.ui.result(documentOf(result), foldsText(result));
      return experimentExitCode(options, result);
    }),
  );
}

function foldsText(result: CrossValidateResult): string {
  const { skipped, foldAccuracies: accuracies } = result;
  const rows = accuracies.map((each, i) => [i + 1, ...each.map((accuracy) => percent(accuracy))]);
  const header = Array.from({ length: result.folds }, (_, fold) => `fold ${fold + 1}`);
  const lines = [
    foldsLine(result),
    '',
    table(['seed', ...header], rows),
    '',
    `${plural(result.folds * result.seeds, 'head')} (${result.head}) in ${duration(result.trainSeconds)}`,
    ...skippedLines(skipped),
  ];
  return lines.join('\n');
}
