import {
  type CacheContent,
  type CacheListing,
  listCache,
  mergeCaches,
  verifyCache,
} from '@headstart/core';
import { type Command, Option } from 'commander';
import { exitCode } from '../exit-codes.ts';
import { addCommonOptions, type CommonOptions, share } from '../options.ts';
import type { Runner } from '../runner.ts';
import { plural, table } from '../table.ts';

interface VerifyOptions extends CommonOptions {
  readonly sample: number;
}

export function addCacheCommand(program: Command, runner: Runner): void {
  const cache = program.command('cache').description('look after the feature cache');
  addList(cache, runner);
  addVerify(cache, runner);
  addMerge(cache, runner);
}

function addList(cache: Command, runner: Runner): void {
  const command = cache.command('ls').description('say what the cache holds, by backbone');
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, options: CommonOptions) => {
      const listing = await listCache({ ...options, signal, onProgress: ui.onProgress });
      ui.result(listing, listText(listing));
      return undefined;
    }),
  );
}

function addVerify(cache: Command, runner: Runner): void {
  const command = cache
    .command('verify')
    .description('compare records with their checksums; exit with code 1 where some are damaged')
    .addOption(
      new Option('--sample <share>', 'read only a share of them: 1% or 0.01')
        .argParser(share)
        .default(1, 'all'),
    );
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, options: VerifyOptions) => {
      const found = await verifyCache({ ...options, signal, onProgress: ui.onProgress });
      const lines = [`${plural(found.checked, 'record')} checked, ${found.damaged} damaged`];
      if (found.damaged > 0) lines.push('Damaged records are computed anew when they are needed.');
      ui.result(found, lines.join('\n'));
      return found.damaged > 0 ? exitCode.failed : undefined;
    }),
  );
}

function addMerge(cache: Command, runner: Runner): void {
  const command = cache
    .command('merge')
    .description('add what other caches hold; they are only read')
    .argument('<other...>', 'folders of feature caches');
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, from: readonly string[], options: CommonOptions) => {
      const merged = await mergeCaches({ ...options, from, signal, onProgress: ui.onProgress });
      const { added, present, damaged } = merged;
      const left = damaged > 0 ? `, ${damaged} damaged ones left out` : '';
      ui.result(merged, `${plural(added, 'record')} added, ${present} there already${left}`);
      return undefined;
    }),
  );
}

function listText({ cache, records, bytes, contents }: CacheListing): string {
  const total = `${cache}: ${plural(records, 'record')}, ${megabytes(bytes)}`;
  if (contents.length === 0) return total;
  const header = ['backbone', 'features', 'preprocessing', 'images', 'device', 'records', 'size'];
  return `${total}\n\n${table(header, contents.map(listRow))}`;
}

function listRow({ extractor, records, bytes }: CacheContent): (string | number)[] {
  if (!extractor) return ['unknown', '', '', '', '', records, megabytes(bytes)];
  const { backbone, precision, featureShape, preprocessing, provider } = extractor;
  const { height, width, resize, fit } = extractor;
  return [
    precision === 'float32' ? backbone : `${backbone} (${precision})`,
    featureShape.join('x'),
    preprocessing,
    [`${height}x${width}`, resize, ...(fit ? [fit] : [])].join(' '),
    provider,
    records,
    megabytes(bytes),
  ];
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
