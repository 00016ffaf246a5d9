import { type FeatureError, featuresJob, type Shard } from '@headstart/core';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { exitCode } from '../exit-codes.ts';
import {
  addCommonOptions,
  addDeviceOptions,
  type CommonOptions,
  type DeviceOptions,
} from '../options.ts';
import { duration } from '../progress.ts';
import { noticesTo, type Runner } from '../runner.ts';
import { percent, plural } from '../table.ts';
import {
  addDataOptions,
  addSplitOptions,
  type DataOptions,
  type SplitOptions,
} from './data-options.ts';
import { addImageOptions, type ImageOptions, imageSettings } from './image-options.ts';

interface FeaturesOptions
  extends CommonOptions,
    DeviceOptions,
    DataOptions,
    SplitOptions,
    ImageOptions {
  readonly views: number;
  readonly out?: string;
  readonly shard?: Shard;
  readonly strict?: boolean;
}

function shard(text: string): Shard {
  const [, index, count] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (index && count && index <= count) return { index, count };
  throw new InvalidArgumentError('Give the part and how many there are, as 1/4 to 4/4.');
}

function errorText(precision: string, { median, largest, images }: FeatureError): string {
  return `${precision} changes features by ${percent(median)} (median of ${plural(images, 'image')}, at most ${percent(largest)})`;
}

export function addFeaturesCommand(program: Command, runner: Runner): void {
  const command = program
    .command('features')
    .description('compute the features of every image once, into the cache')
    .argument('<data>', 'folder with one folder a class, or with train/ and validation/ folders')
    .option('--out <file>', 'also write the plain images’ features to this file (safetensors)')
    .addOption(
      new Option(
        '--shard <i/n>',
        'only the i-th of n parts of the images, by their content: see `headstart cache merge`',
      ).argParser(shard),
    )
    .option('--strict', 'exit with code 3 where files were skipped');
  addDataOptions(command);
  addSplitOptions(command);
  addImageOptions(command, { exact: false });
  addDeviceOptions(command);
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, data: string, options: FeaturesOptions) => {
      const result = await featuresJob({
        ...options,
        ...imageSettings(options),
        data,
        signal,
        onProgress: ui.onProgress,
        onNotice: noticesTo(ui),
      });
      const lines = [
        `${result.computed} computed, ${result.reused} from the cache, in ${duration(result.seconds)}`,
        ...(result.feature_error ? [errorText(options.precision, result.feature_error)] : []),
        ...(result.skipped.length > 0 ? [`${plural(result.skipped.length, 'file')} skipped:`] : []),
        ...result.skipped.map(({ path, reason }) => `  ${path}: ${reason}`),
        ...result.files.map((file) => `Written: ${file}`),
      ];
      ui.result(result, lines.join('\n'));
      return options.strict && result.skipped.length > 0 ? exitCode.filesSkipped : exitCode.done;
    }),
  );
}
