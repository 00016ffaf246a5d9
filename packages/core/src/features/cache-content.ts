import { setImmediate } from 'node:timers/promises';
import { defaultDirectories } from '../base/directories.ts';
import { HeadstartError } from '../base/errors.ts';
import type { LongOperationOptions } from '../base/operation.ts';
import { type ExtractorDescription, extractorDigestOf } from './key.ts';
import { openFeatureCache } from './open-cache.ts';
import { isWholeRecord } from './record.ts';
import { type FeatureSnapshot, openFeatureSnapshot, type StoredRecord } from './snapshot.ts';

export interface CacheJobOptions extends LongOperationOptions {
  /** Default: the user's cache folder. */
  readonly cacheDir?: string | undefined;
}

/** What a cache holds of one backbone, preprocessing, size and device. */
export interface CacheContent {
  /** Undefined where the cache does not say: its records are used all the same. */
  readonly extractor?: ExtractorDescription | undefined;
  readonly records: number;
  /** Of the records alone. */
  readonly bytes: number;
}

export interface CacheListing {
  readonly cache: string;
  readonly records: number;
  readonly bytes: number;
  /** Of the data file, which has room of records that were taken out. */
  readonly file_bytes: number;
  readonly contents: readonly CacheContent[];
}

export interface VerifyCacheOptions extends CacheJobOptions {
  /** Share of the records that is read, 0 < sample ≤ 1; default all. */
  readonly sample?: number | undefined;
}

export interface CacheVerification {
  readonly cache: string;
  readonly checked: number;
  /** Not whole, or not what was written under their key. They are computed anew when needed. */
  readonly damaged: number;
}

export interface MergeCachesOptions extends CacheJobOptions {
  /** Folders of other caches, which are only read. */
  readonly from: readonly string[];
}

export interface CacheMerge {
  readonly cache: string;
  readonly added: number;
  /** Those that were there already. */
  readonly present: number;
  /** Damaged in the other cache, and left out. */
  readonly damaged: number;
}

/** Records between two turns of the event loop, and in one transaction. */
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
export async function listCache(options: CacheJobOptions = {}): Promise<CacheListing> {
  const dir = options.cacheDir ?? defaultDirectories().cacheDir;
  using cache = await openFeatureSnapshot(dir);
  const counts = new Map<string, { records: number; bytes: number }>();
  for (let i = 0; i < cache.size; i++) {
    const digest = extractorDigestOf(cache.key(i));
    const { records, bytes } = counts.get(digest) ?? { records: 0, bytes: 0 };
    counts.set(digest, { records: records + 1, bytes: bytes + cache.recordSize(i) });
  }
  const extractors = cache.extractors();
  const contents = [...counts]
    .map(([digest, count]) => ({ extractor: extractors.get(digest), ...count }))
    .sort((a, b) => b.bytes - a.bytes);
  const sum = (what: 'records' | 'bytes') => contents.reduce((total, one) => total + one[what], 0);
  return {
    cache: dir,
    records: sum('records'),
    bytes: sum('bytes'),
    file_bytes: cache.fileSize,
    contents,
  };
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
  using cache = await openFeatureSnapshot(dir);
  let [checked, damaged] = [0, 0];
  for await (const i of numbers(cache, 'verifying', options)) {
    // Evenly over all: of n records, the first and then each (1 / sample)-th.
    if (Math.floor(i * sample) === Math.floor((i - 1) * sample)) continue;
    checked++;
    if (!cache.isWhole(i)) damaged++;
  }
  return { cache: dir, checked, damaged };
}

/**
 * Adds the records of other caches that are not there. Each is checked first. What was added is
 * kept when it is interrupted; the same call goes on from there.
 *
 * @throws HeadstartError `CACHE_UNUSABLE`; `signal.reason` where aborted
 * @example
 * ```ts
 * const { added } = await mergeCaches({ from: ['cache-1', 'cache-2'] });
 * ```
 */
export async function mergeCaches(options: MergeCachesOptions): Promise<CacheMerge> {
  const dir = options.cacheDir ?? defaultDirectories().cacheDir;
  await using cache = await openFeatureCache({ dir });
  let [added, present, damaged] = [0, 0, 0];
  for (const from of options.from) {
    using other = await openFeatureSnapshot(from);
    cache.addExtractors(other.extractors());
    let missing: StoredRecord[] = [];
    const write = () => {
      if (missing.length > 0) cache.putRecords(missing);
      added += missing.length;
      missing = [];
    };
    for await (const i of numbers(other, `merging ${from}`, options)) {
      const { key, record } = other.record(i);
      if (cache.hasWhole(key)) present++;
      else if (isWholeRecord(key, record)) missing.push({ key, record: Buffer.from(record) });
      else damaged++;
      if (missing.length === recordsPerTurn) write();
    }
    write();
  }
  return { cache: dir, added, present, damaged };
}

/** The numbers of all records, with progress and turns for others. */
export async function* numbers(
  { size: total }: FeatureSnapshot,
  stage: string,
  { signal, onProgress }: LongOperationOptions,
): AsyncGenerator<number> {
  for (let i = 0; i < total; i++) {
    if (i % recordsPerTurn === 0) {
      signal?.throwIfAborted();
      onProgress?.({ stage, done: i, total, unit: 'records' });
      await setImmediate();
    }
    yield i;
  }
  onProgress?.({ stage, done: total, total, unit: 'records' });
}
