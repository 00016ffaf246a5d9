import type { CheckReport } from '@headstart/core';
import { checkReportOptions, dataOptions, seedOption, splitOptions } from '@headstart/core/options';
import type { Command } from 'commander';
import { exitCode } from '../exit-codes.ts';
import {
  addCommonOptions,
  addOptions,
  type CommonOptions,
  type FlagValues,
  strictOption,
} from '../options.ts';
import { noticesTo, type Runner } from '../runner.ts';
import { inFlags } from '../words.ts';

const options = {
  ...checkReportOptions,
  ...strictOption('where files are unreadable, or of the same bytes in two classes or parts'),
  ...dataOptions,
  ...splitOptions,
  seed: { ...seedOption.seed, help: 'seed of the split' },
} as const;

type CheckCommandOptions = CommonOptions & FlagValues<typeof options>;

export function addCheckCommand(program: Command, runner: Runner): void {
  const command = program
    .command('check')
    .description('show what is in a folder of images, and what is wrong with it')
    .argument(
      '<data>',
      'folder with one folder per class, or with train/ and validation/ folders; or a table',
    );
  addOptions(command, options);
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, data: string, given: CheckCommandOptions) => {
      const { checkDataset, checkWritable, writeCheckPage } = await import('@headstart/core');
      const { cachedHasher } = await import('@headstart/core/features');
      const { checkText } = await import('./check-text.ts');
      const { html, writeCorrections } = given;
      if (html !== undefined) await checkWritable(html);
      const report = await checkDataset(data, {
        ...given,
        hashFiles: cachedHasher({ ...given, onNotice: noticesTo(ui) }),
        signal,
        onProgress: ui.onProgress,
      });
      if (html !== undefined) {
        await writeCheckPage(html, report, { signal, onProgress: ui.onProgress, phrase: inFlags });
      }
      const written = [html, writeCorrections].filter((file) => file !== undefined);
      const end = written.length > 0 ? `\n\nWritten: ${written.join(', ')}` : '';
      ui.result(report, `${checkText(report)}${end}`);
      return given.strict && hasFaults(report) ? exitCode.filesSkipped : undefined;
    }),
  );
}

function hasFaults({ unreadable, conflicts, leaks }: CheckReport): boolean {
  return unreadable.length > 0 || [...conflicts, ...leaks].some(({ exact }) => exact);
}
