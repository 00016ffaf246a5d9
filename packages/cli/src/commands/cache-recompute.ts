import { recomputeCache } from '@headstart/core';
import type { Command } from 'commander';
import { type ExitCode, exitCode } from '../exit-codes.ts';
import { addDeviceOptions, type CommonOptions, type DeviceOptions } from '../options.ts';
import { type CommandContext, noticesTo } from '../runner.ts';
import { percent, plural } from '../table.ts';
import { addImageOptions, type ImageOptions, imageSettings } from './image-options.ts';

/** Those of `cache verify --recompute`: what the features were computed with. */
export interface RecomputeOptions extends ImageOptions, DeviceOptions {
  readonly recompute?: string;
}

export function addRecomputeOptions(command: Command): void {
  command.option(
    '--recompute <data>',
    'run the backbone again on the images of this folder, and compare; finds features of a wrong model',
  );
  addImageOptions(command, { exact: false });
  addDeviceOptions(command);
}

export async function recompute(
  { ui, signal }: CommandContext,
  data: string,
  options: RecomputeOptions & CommonOptions & { readonly sample: number },
): Promise<ExitCode | undefined> {
  const found = await recomputeCache({
    ...options,
    ...imageSettings(options),
    views: options.views as number,
    data,
    signal,
    onProgress: ui.onProgress,
    onNotice: noticesTo(ui),
  });
  const { images, compared, different, damaged, missing, largest_difference: largest } = found;
  const lines = [
    `${plural(compared, 'feature')} of ${plural(images, 'image')} compared, ${different} different; the largest difference is ${percent(largest, 2)}`,
  ];
  if (damaged > 0) lines.push(`${damaged} damaged: they are computed anew when they are needed.`);
  if (missing > 0) lines.push(`${missing} not in the cache`);
  if (different > 0) {
    lines.push(
      'These features were not made by this backbone as it is here. Delete the cache, or use another one with --cache-dir.',
    );
  }
  ui.result(found, lines.join('\n'));
  return different + damaged > 0 ? exitCode.failed : undefined;
}
