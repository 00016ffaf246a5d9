import { option, path, plural, tableOptions } from '@headstart/core/options';
import type { Command } from 'commander';
import { documentOf } from '../documents.ts';
import { type ExitCode, exitCode } from '../exit-codes.ts';
import {
  addDeviceOptions,
  addOptions,
  type CommonOptions,
  type DeviceOptions,
  type FlagValues,
} from '../options.ts';
import { type CommandContext, noticesTo } from '../runner.ts';
import { percent } from '../table.ts';
import { type ImageOptions, imageOptions, imageSettings } from './image-options.ts';

const recomputeOption = {
  recompute: option(path('data'), {
    help: 'run the backbone again on the images of this folder or table, and compare; finds features of a wrong model',
  }),
} as const;

/** Those of `cache verify --recompute`: what the features were computed with. */
export interface RecomputeOptions
  extends FlagValues<typeof recomputeOption & typeof tableOptions>,
    ImageOptions,
    DeviceOptions {}

export function addRecomputeOptions(command: Command): void {
  addOptions(command, { ...recomputeOption, ...tableOptions, ...imageOptions });
  addDeviceOptions(command);
}

export async function recompute(
  { ui, signal }: CommandContext,
  data: string,
  options: RecomputeOptions & CommonOptions & { readonly sample: number },
): Promise<ExitCode | undefined> {
  const { recomputeCache } = await import('@headstart/core/features');
  const found = await recomputeCache({
    ...options,
    ...imageSettings(options),
    data,
    signal,
    onProgress: ui.onProgress,
    onNotice: noticesTo(ui),
  });
  const { images, compared, different, damaged, missing, largestDifference: largest } = found;
  const lines = [
    `${plural(compared, 'feature')} of ${plural(images, 'image')} compared, ${different} different; the largest difference is ${percent(largest, 2)}`,
  ];
  if (damaged > 0) lines.push(`${damaged} damaged: they are computed again when they are needed.`);
  if (missing > 0) lines.push(`${missing} not in the cache`);
  if (different > 0) {
    lines.push(
      'These features were not made by this backbone as it is here. Delete the cache, or use another one with --cache-dir.',
    );
  }
  ui.result(documentOf(found), lines.join('\n'));
  return different + damaged > 0 ? exitCode.failed : undefined;
}
