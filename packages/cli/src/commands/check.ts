import { type CheckReport, cachedHasher, checkDataset } from '@headstart/core';
import type { Command } from 'commander';
import { exitCode } from '../exit-codes.ts';
import { addCommonOptions, type CommonOptions } from '../options.ts';
import type { Runner } from '../runner.ts';
import { plural, table } from '../table.ts';
import { addDataOptions, type DataOptions } from './data-options.ts';

interface CheckOptions extends CommonOptions, DataOptions {
  readonly strict?: boolean;
}

export function addCheckCommand(program: Command, runner: Runner): void {
  const command = program
    .command('check')
    .description('say what is in a folder of images, and what is wrong with it')
    .argument('<data>', 'folder with one folder a class, or with train/ and validation/ folders')
    .option('--strict', 'exit with code 3 where files are unreadable');
  addDataOptions(command);
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, data: string, options: CheckOptions) => {
      const report = await checkDataset(data, {
        corrections: options.corrections,
        hashFiles: cachedHasher(options),
        signal,
        onProgress: ui.onProgress,
      });
      ui.result(report, checkText(report));
      return options.strict && report.unreadable.length > 0 ? exitCode.filesSkipped : undefined;
    }),
  );
}

function checkText(report: CheckReport): string {
  const { classes, unreadable, misnamed, duplicates, leaks, conflicts } = report;
  const counts = classes.map(({ name, train, validation, test }) =>
    report.layout === 'flat' ? [name, train] : [name, train, validation, test],
  );
  const header = report.layout === 'flat' ? ['images'] : ['train', 'validation', 'test'];
  const sections = [
    section('cannot be read', unreadable, ({ path, reason }) => `${path}: ${reason}`),
    section('is not what the name says', misnamed, ({ name, content }) => `${name}: ${content}`),
    section('under two classes', conflicts, sameFiles),
    section('in training and in validation or test', leaks, sameFiles),
    section('twice', duplicates, sameFiles),
  ];
  const warnings = [...report.warnings, ...tinyWarnings(report)];
  const lines = [
    `${plural(report.images, 'image')} in ${classes.length} classes`,
    '',
    table(['class', ...header], counts),
    ...sections.flat(),
    ...(warnings.length > 0 ? ['', ...warnings.map((text) => `warning: ${text}`)] : []),
  ];
  const clean = sections.every((lines) => lines.length === 0) && warnings.length === 0;
  return [...lines, ...(clean ? ['', 'Nothing is wrong with it.'] : [])].join('\n');
}

function section<T>(title: string, items: readonly T[], line: (item: T) => string): string[] {
  if (items.length === 0) return [];
  return ['', `${items.length} ${title}:`, ...items.map((item) => `  ${line(item)}`)];
}

function sameFiles({ files }: CheckReport['duplicates'][number]): string {
  return files.map(({ name }) => name).join(' = ');
}

function tinyWarnings({ tinyClasses, imbalance }: CheckReport): string[] {
  const tiny = tinyClasses.map(
    ({ name, count }) => `The class ${name} has only ${plural(count, 'training image')}.`,
  );
  if (imbalance <= 3) return tiny;
  const times = imbalance.toFixed(1);
  return [
    ...tiny,
    `The largest class has ${times} times the images of the smallest: consider --class-weights balanced.`,
  ];
}
