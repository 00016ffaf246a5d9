import { type AuditJobResult, auditJob } from '@headstart/core';
import type { Command } from 'commander';
import {
  addCommonOptions,
  addDeviceOptions,
  type CommonOptions,
  type DeviceOptions,
  numberBetween,
  optionWithDefault as opt,
  wholeNumber,
} from '../options.ts';
import { noticesTo, type Runner } from '../runner.ts';
import { percent, plural, table } from '../table.ts';
import { addDataOptions, type DataOptions } from './data-options.ts';
import { addImageOptions, type ImageOptions } from './image-options.ts';
import { skippedLines, studyExitCode } from './study-options.ts';
import {
  addHeadTrainingOptions,
  type HeadTrainingOptions,
  headTrainingSettings,
} from './training-options.ts';

interface AuditOptions
  extends CommonOptions,
    DeviceOptions,
    DataOptions,
    ImageOptions,
    HeadTrainingOptions {
  readonly views: number;
  readonly groupBy?: string;
  readonly folds: number;
  readonly seeds: number;
  readonly similarity: number;
  readonly pictures: number;
  readonly out?: string;
  readonly strict?: boolean;
}

const shown = 20;

export function addAuditCommand(program: Command, runner: Runner): void {
  const command = program
    .command('audit')
    .description(
      'labels that may be wrong, images like no other, near duplicates; a page to decide',
    )
    .argument('<data>', 'folder with one folder a class, or with train/ and other folders')
    .option(
      '--out <folder>',
      'where the page and the tables go (default: audits/<name of the data>)',
    )
    .addOption(opt('--folds <k>', 'parts of the images', wholeNumber(2), 5))
    .addOption(opt('--seeds <n>', 'cross-validations in each of two passes', wholeNumber(1), 5))
    .addOption(
      opt('--similarity <x>', 'cosine similarity of near duplicates', numberBetween(0, 1), 0.95),
    )
    .addOption(opt('--pictures <n>', 'pictures of one kind on the page', wholeNumber(1), 300))
    .option('--group-by <regex>', 'images whose paths match the same are never parted')
    .option('--strict', 'exit with code 3 where files were skipped');
  addDataOptions(command);
  addImageOptions(command, { exact: false });
  addHeadTrainingOptions(command, { head: 'linear', monitor: 'val_loss', patience: 5 });
  addDeviceOptions(command);
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, data: string, options: AuditOptions) => {
      const result = await auditJob({
        ...options,
        ...headTrainingSettings(options),
        augment: undefined,
        data,
        signal,
        onProgress: ui.onProgress,
        onNotice: noticesTo(ui),
      });
      ui.result(result, auditText(result));
      return studyExitCode(options, result);
    }),
  );
}

function auditText(result: AuditJobResult): string {
  const { suspicious, outliers, near_duplicates: duplicates, images } = result;
  const rows = suspicious
    .slice(0, shown)
    .map((one) => [
      one.file,
      one.label,
      percent(one.label_probability),
      one.suggested,
      percent(one.suggested_probability),
    ]);
  const more = suspicious.length - rows.length;
  return [
    `${plural(images, 'image')}: ${plural(suspicious.length, 'label')} may be wrong, ` +
      `${plural(outliers.length, 'image')} like no other, ` +
      `${plural(duplicates.length, 'pair')} nearly the same`,
    ...(rows.length > 0
      ? ['', table(['file', 'label', 'probability', 'suggested', 'probability'], rows)]
      : []),
    ...(more > 0 ? [`… and ${more} more`] : []),
    '',
    ...skippedLines(result.skipped),
    `Go through them: ${result.page}`,
    'It saves corrections.csv, which every command takes: --corrections corrections.csv',
  ].join('\n');
}
