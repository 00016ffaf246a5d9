import type { FeatureError } from '@headstart/core';
import { dataOptions, featuresOptions, plural, splitOptions } from '@headstart/core/options';
import type { Command } from 'commander';
import { documentOf } from '../documents.ts';
import { exitCode } from '../exit-codes.ts';
import {
  addCommonOptions,
  addDeviceOptions,
  addOptions,
  type CommonOptions,
  type DeviceOptions,
  type FlagValues,
  strictOption,
} from '../options.ts';
import { duration } from '../progress.ts';
import { noticesTo, type Runner } from '../runner.ts';
import { percent } from '../table.ts';
import { type ImageOptions, imageOptions, imageSettings } from './image-options.ts';

interface FeaturesOptions
  extends CommonOptions,
    DeviceOptions,
    FlagValues<typeof featuresOptions & typeof dataOptions & typeof splitOptions>,
    ImageOptions {
  readonly strict?: boolean;
}

/** The part that a scheduler gives this process. */
async function shardOfThisTask(shards: number | undefined) {
  const { shardOfTask } = await import('../shard.ts');
  return shardOfTask(process.env, shards);
}

function errorText(precision: string, { median, largest, images }: FeatureError): string {
  return `${precision} changes features by ${percent(median)} (median of ${plural(images, 'image')}, at most ${percent(largest)})`;
}

export function addFeaturesCommand(program: Command, runner: Runner): void {
  const command = program
    .command('features')
    .description('compute the features of every image once, into the cache')
    .argument(
      '<data>',
      'folder with one folder per class, or with train/ and validation/ folders; or a table',
    );
  addOptions(command, { ...featuresOptions, ...strictOption() });
  addOptions(command, { ...dataOptions, ...splitOptions, ...imageOptions });
  addDeviceOptions(command);
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, data: string, options: FeaturesOptions) => {
      const { HeadstartError, precomputeFeatures } = await import('@headstart/core');
      const { shard, shards, ...rest } = options;
      if (shards !== undefined && shard !== 'auto') {
        throw new HeadstartError('USAGE', '--shards goes with --shard auto.');
      }
      const result = await precomputeFeatures({
        ...rest,
        ...imageSettings(options),
        shard: shard === 'auto' ? await shardOfThisTask(shards) : shard,
        data,
        signal,
        onProgress: ui.onProgress,
        onNotice: noticesTo(ui),
      });
      const lines = [
        `${result.computed} computed, ${result.reused} from the cache, in ${duration(result.seconds)}`,
        ...(result.featureError ? [errorText(options.precision, result.featureError)] : []),
        ...(result.skipped.length > 0 ? [`${plural(result.skipped.length, 'file')} skipped:`] : []),
        ...result.skipped.map(({ path, reason }) => `  ${path}: ${reason}`),
        ...result.files.map((file) => `Written: ${file}`),
      ];
      ui.result(documentOf(result), lines.join('\n'));
      return options.strict && result.skipped.length > 0 ? exitCode.filesSkipped : exitCode.done;
    }),
  );
}
