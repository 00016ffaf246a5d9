import type { CacheContent, CacheListing, OldCache } from '@headstart/core/features';
import { collectOptions, plural, verifyOptions } from '@headstart/core/options';
import type { Command } from 'commander';
import { documentOf } from '../documents.ts';
import { exitCode } from '../exit-codes.ts';
import { addCommonOptions, addOptions, type CommonOptions, type FlagValues } from '../options.ts';
import type { Runner } from '../runner.ts';
import { megabytes, table } from '../table.ts';
import { addRecomputeOptions, type RecomputeOptions, recompute } from './cache-recompute.ts';

interface VerifyOptions extends CommonOptions, FlagValues<typeof verifyOptions>, RecomputeOptions {}

type CollectOptions = CommonOptions & FlagValues<typeof collectOptions>;

export function addCacheCommand(program: Command, runner: Runner): void {
  const cache = program
    .command('cache')
    .description('list, check, clean and move the feature cache');
  addList(cache, runner);
  addVerify(cache, runner);
  addCollect(cache, runner);
  addMerge(cache, runner);
  addExport(cache, runner);
  addImport(cache, runner);
}

function addList(cache: Command, runner: Runner): void {
  const command = cache.command('ls').description('list what the cache holds, by backbone');
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, options: CommonOptions) => {
      const { listCache } = await import('@headstart/core/features');
      const listing = await listCache({ ...options, signal, onProgress: ui.onProgress });
      ui.result(documentOf(listing), listText(listing));
      return undefined;
    }),
  );
}

function addVerify(cache: Command, runner: Runner): void {
  const command = cache
    .command('verify')
    .description('compare records with their checksums, or with features that are computed again');
  addOptions(command, verifyOptions);
  addRecomputeOptions(command);
  addCommonOptions(command);
  command.action(
    runner(async (context, options: VerifyOptions) => {
      if (options.recompute !== undefined) return recompute(context, options.recompute, options);
      const { ui, signal } = context;
      const { verifyCache } = await import('@headstart/core/features');
      const found = await verifyCache({ ...options, signal, onProgress: ui.onProgress });
      const lines = [`${plural(found.checked, 'record')} checked, ${found.damaged} damaged`];
      if (found.damaged > 0) lines.push('Damaged records are computed again when they are needed.');
      ui.result(found, lines.join('\n'));
      return found.damaged > 0 ? exitCode.failed : undefined;
    }),
  );
}

function addCollect(cache: Command, runner: Runner): void {
  const command = cache
    .command('gc')
    .description(
      'remove what was not used for long (more than a day at least), and what is damaged',
    );
  addOptions(command, collectOptions);
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, options: CollectOptions) => {
      const { olderThan: olderThanDays, maxSize: maxBytes, ...rest } = options;
      const { collectCacheGarbage } = await import('@headstart/core/features');
      const done = await collectCacheGarbage({
        ...rest,
        olderThanDays,
        maxBytes,
        signal,
        onProgress: ui.onProgress,
      });
      const { removed, kept, damaged = 0, bytesBefore: before, bytesAfter: after } = done;
      const bad = damaged > 0 ? `, and ${damaged} damaged` : '';
      const verb = options.dryRun ? 'would be removed' : 'removed';
      const lines = [
        `${plural(removed, 'record')} ${verb}${bad}, ${kept} kept; ${megabytes(before)}, then ${megabytes(after)}`,
      ];
      if (!done.shrunk) {
        lines.push('The disk has no room to write what is left of a pack, so it keeps its size.');
      }
      ui.result(documentOf(done), lines.join('\n'));
      return undefined;
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
      const { mergeCaches } = await import('@headstart/core/features');
      const merged = await mergeCaches({ ...options, from, signal, onProgress: ui.onProgress });
      ui.result(merged, addedText(merged));
      return undefined;
    }),
  );
}

function addExport(cache: Command, runner: Runner): void {
  const command = cache
    .command('export')
    .description('write all features with their keys to one file, for `cache import`')
    .argument('<file>', 'safetensors file to write');
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, file: string, options: CommonOptions) => {
      const { exportCache } = await import('@headstart/core/features');
      const done = await exportCache({ ...options, file, signal, onProgress: ui.onProgress });
      const left = done.damaged > 0 ? `, ${done.damaged} damaged left out` : '';
      ui.result(done, `${plural(done.records, 'record')} written to ${done.file}${left}`);
      return undefined;
    }),
  );
}

function addImport(cache: Command, runner: Runner): void {
  const command = cache
    .command('import')
    .description('add the features of a file that `cache export` wrote')
    .argument('<file>', 'safetensors file');
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, file: string, options: CommonOptions) => {
      const { importCache } = await import('@headstart/core/features');
      const done = await importCache({ ...options, file, signal, onProgress: ui.onProgress });
      ui.result(done, addedText(done));
      return undefined;
    }),
  );
}

interface Added {
  readonly added: number;
  readonly present: number;
  readonly damaged: number;
}

function addedText({ added, present, damaged }: Added): string {
  const left = damaged > 0 ? `, ${damaged} damaged left out` : '';
  return `${plural(added, 'record')} added, ${present} there already${left}`;
}

function listText({ cache, records, bytes: size, contents, oldForm: old }: CacheListing): string {
  const lines = [`${cache}: ${plural(records, 'record')}, ${megabytes(size)}`];
  if (old) lines.push(oldCacheText(old));
  const total = lines.join('\n');
  if (contents.length === 0) return total;
  const header = ['backbone', 'features', 'preprocessing', 'images', 'device', 'records', 'size'];
  return `${total}\n\n${table(header, contents.map(listRow))}`;
}

function oldCacheText({ folder, bytes: size, remove }: OldCache): string {
  return `${folder} also holds ${megabytes(size)} of an older version's cache, which this version does not read. Remove it with: ${remove}`;
}

function listRow({ extractor, records, bytes: size }: CacheContent): (string | number)[] {
  if (!extractor) return ['unknown', '', '', '', '', records, megabytes(size)];
  const { backbone, precision, featureShape, preprocessing, provider } = extractor;
  const { height, width, resize, fit } = extractor;
  return [
    precision === 'float32' ? backbone : `${backbone} (${precision})`,
    featureShape.join('x'),
    preprocessing,
    [`${height}x${width}`, resize, ...(fit ? [fit] : [])].join(' '),
    provider,
    records,
    megabytes(size),
  ];
}
