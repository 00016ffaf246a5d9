import { setImmediate } from 'node:timers/promises';
import { defaultDirectories } from '../directories.ts';
import { HeadstartError } from '../errors.ts';
import {
  type ExtractorDescription,
  extractorDigestOf,
  type FeatureCache,
  isWholeRecord,
  openFeatureCache,
  type StoredRecord,
} from '../features/index.ts';
import type { LongOperationOptions } from '../operation.ts';

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
 */
export async function listCache(options: CacheJobOptions = {}): Promise<CacheListing> {
  const dir = options.cacheDir ?? defaultDirectories().cacheDir;
  await using cache = await openFeatureCache({ dir, readOnly: true });
  const counts = new Map<string, { records: number; bytes: number }>();
  for await (const records of pages(cache, 'reading', options)) {
    for (const { key, record } of records) {
      const digest = extractorDigestOf(key);
      const count = counts.get(digest) ?? { records: 0, bytes: 0 };
      counts.set(digest, { records: count.records + 1, bytes: count.bytes + record.length });
    }
  }
  const extractors = cache.extractors();
  const contents = [...counts]
    .map(([digest, count]) => ({ extractor: extractors.get(digest), ...count }))
    .sort((a, b) => b.bytes - a.bytes);
  const sum = (what: 'records' | 'bytes') => contents.reduce((total, one) => total + one[what], 0);
  return { cache: dir, records: sum('records'), bytes: sum('bytes'), contents };
}

/**
 * Reads records and compares them with their checksums.
 *
 * @throws HeadstartError `CACHE_UNUSABLE`, `USAGE`; `signal.reason` where aborted
 */
export async function verifyCache(options: VerifyCacheOptions = {}): Promise<CacheVerification> {
  const { sample = 1 } = options;
  if (!(sample > 0 && sample <= 1)) {
    throw new HeadstartError('USAGE', `The sample must be above 0 and at most 1, not ${sample}.`);
  }
  const dir = options.cacheDir ?? defaultDirectories().cacheDir;
  await using cache = await openFeatureCache({ dir, readOnly: true });
  let [seen, checked, damaged] = [0, 0, 0];
  for await (const records of pages(cache, 'verifying', options)) {
    for (const { key, record } of records) {
      // Evenly over all: of n records, the first and then each (1 / sample)-th.
      const wanted = Math.floor(seen * sample) !== Math.floor((seen - 1) * sample);
      seen++;
      if (!wanted) continue;
      checked++;
      if (!isWholeRecord(key, record)) damaged++;
    }
  }
  return { cache: dir, checked, damaged };
}

/**
 * Adds the records of other caches that are not there. Each is checked first. What was added is
 * kept when it is interrupted; the same call goes on from there.
 *
 * @throws HeadstartError `CACHE_UNUSABLE`; `signal.reason` where aborted
 */
export async function mergeCaches(options: MergeCachesOptions): Promise<CacheMerge> {
  const dir = options.cacheDir ?? defaultDirectories().cacheDir;
  await using cache = await openFeatureCache({ dir });
  let [added, present, damaged] = [0, 0, 0];
  for (const from of options.from) {
    await using other = await openFeatureCache({ dir: from, readOnly: true });
    cache.addExtractors(other.extractors());
    for await (const records of pages(other, `merging ${from}`, options)) {
      const missing = records.filter(({ key }) => !cache.hasWhole(key));
      const whole = missing.filter(({ key, record }) => isWholeRecord(key, record));
      if (whole.length > 0) cache.putRecords(whole);
      added += whole.length;
      present += records.length - missing.length;
      damaged += missing.length - whole.length;
    }
  }
  return { cache: dir, added, present, damaged };
}

async function* pages(
  cache: FeatureCache,
  stage: string,
  { signal, onProgress }: LongOperationOptions,
): AsyncGenerator<readonly StoredRecord[]> {
  const total = cache.size;
  let done = 0;
  let after: Buffer | undefined;
  for (;;) {
    signal?.throwIfAborted();
    const records = cache.page(after, recordsPerTurn);
    if (records.length === 0) return;
    yield records;
    done += records.length;
    after = records.at(-1)?.key;
    onProgress?.({ stage, done, total: Math.max(total, done), unit: 'records' });
    await setImmediate();
  }
}
