import type { AuditLabelsResult } from '@headstart/core';
import { auditDefaults, auditOptions, dataOptions, plural } from '@headstart/core/options';
import type { Command } from 'commander';
import { quoted } from '../completion/quote.ts';
import { documentOf } from '../documents.ts';
import {
  addCommonOptions,
  addDeviceOptions,
  addOptions,
  type CommonOptions,
  type DeviceOptions,
  type FlagValues,
  strictOption,
} from '../options.ts';
import { noticesTo, type Runner } from '../runner.ts';
import { percent, table } from '../table.ts';
import { experimentExitCode, skippedLines } from './experiment-options.ts';
import { type ImageOptions, imageOptions } from './image-options.ts';
import {
  addHeadTrainingOptions,
  type HeadTrainingOptions,
  headTrainingSettings,
} from './training-options.ts';

interface AuditOptions
  extends CommonOptions,
    DeviceOptions,
    FlagValues<typeof auditOptions & typeof dataOptions>,
    ImageOptions,
    HeadTrainingOptions {
  readonly strict?: boolean;
}

const shown = 20;

export function addAuditCommand(program: Command, runner: Runner): void {
  const command = program
    .command('audit')
    .description('find wrong labels, outliers and near duplicates, with a page to decide on them')
    .argument(
      '<data>',
      'folder with one folder per class, or with train/ and other folders; or a table',
    );
  addOptions(command, { ...auditOptions, ...strictOption(), ...dataOptions, ...imageOptions });
  addHeadTrainingOptions(command, auditDefaults);
  addDeviceOptions(command);
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, data: string, options: AuditOptions) => {
      const { auditLabels } = await import('@headstart/core');
      const result = await auditLabels({
        ...options,
        ...headTrainingSettings(options),
        augment: undefined,
        data,
        nextCommand: nextCommand(data, options),
        signal,
        onProgress: ui.onProgress,
        onNotice: noticesTo(ui),
      });
      ui.result(documentOf(result), auditText(result));
      return experimentExitCode(options, result);
    }),
  );
}

/** A text as a user would type it in a shell: nothing in it is live. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : quoted(text);
}

/** As a user would type it. */
function nextCommand(data: string, { backbone }: AuditOptions): string {
  const own = backbone === 'vgg16' ? '' : ` --backbone ${shellWord(backbone)}`;
  return `headstart train ${shellWord(data)}${own} --corrections corrections.csv`;
}

function auditText(result: AuditLabelsResult): string {
  const { suspicious, outliers, nearDuplicates: duplicates, images } = result;
  const rows = suspicious
    .slice(0, shown)
    .map((one) => [
      one.file,
      one.label,
      percent(one.labelProbability),
      one.suggested,
      percent(one.suggestedProbability),
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
