import { setImmediate } from 'node:timers/promises';
import { defaultDirectories } from '../base/directories.ts';
import { HeadstartError } from '../base/errors.ts';
import type { LongOperationOptions } from '../base/operation.ts';
import { type FeatureCache, openFeatureCache } from './cache.ts';
import { isUnusable } from './cache-error.ts';
import type { ExtractorDescription } from './key.ts';
import { findOldCache, type OldCache } from './old-cache.ts';
import type { PackFolder } from './pack-folder.ts';
import { recordBytes } from './record.ts';

export interface CacheFolderOptions extends LongOperationOptions {
  /** Default: the user's cache folder. */
  readonly cacheDir?: string | undefined;
}

/** What a cache holds of one backbone, preprocessing, size and device. */
export interface CacheContent {
  /** Undefined where the cache has no description: its records are used all the same. */
  readonly extractor?: ExtractorDescription | undefined;
  readonly records: number;
  /** Of the records alone. */
  readonly bytes: number;
}

export interface CacheListing {
  readonly cache: string;
  readonly records: number;
  readonly bytes: number;
  /** Of all packs and their indexes, also of records that others have taken the place of. */
  readonly fileBytes: number;
  readonly contents: readonly CacheContent[];
  /** A cache of the form before packs in the same folder, which is not read. */
  readonly oldForm?: OldCache | undefined;
}

export interface VerifyCacheOptions extends CacheFolderOptions {
  /** Share of the records that is read, 0 < sample ≤ 1; default all. */
  readonly sample?: number | undefined;
}

export interface CacheVerification {
  readonly cache: string;
  readonly checked: number;
  /** Not whole, or not what was written under their key. They are computed again when needed. */
  readonly damaged: number;
}

/** Records between two turns of the event loop. */
const recordsPerTurn = 128;

/**
 * What a cache holds, by extractor, the most first.
 *
 * @throws HeadstartError `CACHE_UNUSABLE`
 * @example
 * ```ts
 * const { records, bytes } = await listCache();
 * ```
 */
export async function listCache(options: CacheFolderOptions = {}): Promise<CacheListing> {
  const dir = options.cacheDir ?? defaultDirectories().cacheDir;
  const old = await findOldCache(dir);
  const listing = { cache: dir, ...(old ? { oldForm: old } : {}) };
  await using cache = await openFeatureCache({ dir, readOnly: true }).catch((error: unknown) => {
    if (old && isUnusable(error)) return undefined;
    throw error;
  });
  const folders = cache?.folders() ?? [];
  const contents = folders.map(contentOf).filter(({ records }) => records > 0);
  const sum = (what: 'records' | 'bytes') => contents.reduce((total, one) => total + one[what], 0);
  return {
    ...listing,
    records: sum('records'),
    bytes: sum('bytes'),
    fileBytes: folders.reduce((total, folder) => total + bytesOf(folder), 0),
    contents: contents.sort((a, b) => b.bytes - a.bytes),
  };
}

function bytesOf(folder: PackFolder): number {
  return folder.packs.reduce((sum, pack) => sum + folder.bytesOf(pack), 0);
}

function contentOf(folder: PackFolder): CacheContent {
  let [records, bytes] = [0, 0];
  for (const i of folder.numbers()) {
    records++;
    bytes += recordBytes(folder.table.size(i));
  }
  return { extractor: folder.description(), records, bytes };
}

/**
 * Reads records and compares them with their checksums.
 *
 * @throws HeadstartError `CACHE_UNUSABLE`, `USAGE`; `signal.reason` where aborted
 * @example
 * ```ts
 * const { damaged } = await verifyCache({ sample: 0.01 });
 * ```
 */
export async function verifyCache(options: VerifyCacheOptions = {}): Promise<CacheVerification> {
  const { sample = 1 } = options;
  if (!(sample > 0 && sample <= 1)) {
    throw new HeadstartError('USAGE', `The sample must be above 0 and at most 1, not ${sample}.`);
  }
  const dir = options.cacheDir ?? defaultDirectories().cacheDir;
  await using cache = await openFeatureCache({ dir, readOnly: true });
  let [number, checked, damaged] = [0, 0, 0];
  for await (const { folder, i } of entriesOf(cache, 'verifying', options)) {
    const n = number++;
    // Evenly over all: of n records, the first and then each (1 / sample)-th.
    if (Math.floor(n * sample) === Math.floor((n - 1) * sample)) continue;
    checked++;
    if (!folder.find(folder.key(i))) damaged++;
  }
  return { cache: dir, checked, damaged };
}

/** An entry for each key of a cache, with progress and turns for others. */
export async function* entriesOf(
  cache: FeatureCache,
  stage: string,
  { signal, onProgress }: LongOperationOptions,
): AsyncGenerator<{ readonly folder: PackFolder; readonly i: number }> {
  const total = cache.size;
  let done = 0;
  for (const folder of cache.folders()) {
    for (const i of folder.numbers()) {
      if (done % recordsPerTurn === 0) {
        signal?.throwIfAborted();
        onProgress?.({ stage, done, total, unit: 'records' });
        await setImmediate();
      }
      yield { folder, i };
      done++;
    }
  }
  onProgress?.({ stage, done: total, total, unit: 'records' });
}
