import { defaultDirectories } from '../base/directories.ts';
import { checkOptions, collectOptions, type OptionsOf } from '../options/index.ts';
import type { CacheJobOptions } from './cache-content.ts';
import { diskBytes, remakeCache } from './remake.ts';
import { repairCache } from './repair.ts';
import { type FeatureSnapshot, openFeatureSnapshot } from './snapshot.ts';
import { dayOf } from './uses.ts';

export interface CollectGarbageOptions extends CacheJobOptions, OptionsOf<typeof collectOptions> {}

/** What `cache gc --json` prints. */
export interface CacheCollection {
  readonly cache: string;
  readonly dry_run: boolean;
  readonly removed: number;
  readonly kept: number;
  /** Records of a wrong checksum, which were removed too. Undefined for a dry run. */
  readonly damaged?: number | undefined;
  /** Of the data file. */
  readonly bytes_before: number;
  /** For a dry run about what it would be. */
  readonly bytes_after: number;
  /** False where there was no room for a second file: the first one keeps its size. */
  readonly shrunk: boolean;
}

export interface CacheRepair {
  readonly cache: string;
  readonly records: number;
}

/**
 * Takes out what was not used for long, what is damaged, and the room of what was taken out before.
 * Without `olderThanDays` and `maxBytes` only the latter two. The day of a record's last use is
 * known from when it was computed or asked for; where it is not, it counts as today. What a command
 * that is still running found in the cache stays, whatever its age and size.
 *
 * @throws HeadstartError `CACHE_UNUSABLE`, `USAGE`; `signal.reason` where aborted, with the cache as
 * it was
 * @example
 * ```ts
 * await collectCacheGarbage({ olderThanDays: 90 });
 * ```
 */
export async function collectCacheGarbage(
  options: CollectGarbageOptions = {},
): Promise<CacheCollection> {
  checkOptions(collectOptions, options);
  const { olderThanDays, maxBytes, dryRun = false, ...rest } = options;
  const dir = options.cacheDir ?? defaultDirectories().cacheDir;
  const choose = (snapshot: FeatureSnapshot) => chooseRecords(snapshot, olderThanDays, maxBytes);
  if (dryRun) {
    using snapshot = await openFeatureSnapshot(dir);
    const stays = choose(snapshot);
    const kept = stays.reduce((sum, one) => sum + one, 0);
    let bytes = 0;
    stays.forEach((one, i) => {
      if (one) bytes += diskBytes(snapshot.recordSize(i));
    });
    const { size, fileSize } = snapshot;
    return {
      cache: dir,
      dry_run: true,
      removed: size - kept,
      kept,
      bytes_before: fileSize,
      bytes_after: Math.min(bytes, fileSize),
      shrunk: true,
    };
  }
  const { removed, kept, damaged, bytesBefore, bytesAfter, shrunk } = await remakeCache({
    ...rest,
    dir,
    choose,
  });
  return {
    cache: dir,
    dry_run: false,
    removed,
    kept,
    damaged,
    bytes_before: bytesBefore,
    bytes_after: bytesAfter,
    shrunk,
  };
}

/**
 * Makes a damaged cache whole: keeps every record that is.
 *
 * @throws HeadstartError `CACHE_UNUSABLE`; `signal.reason` where aborted, with the cache as it was
 * @example
 * ```ts
 * const { records } = await repairDamagedCache();
 * ```
 */
export async function repairDamagedCache(options: CacheJobOptions = {}): Promise<CacheRepair> {
  const dir = options.cacheDir ?? defaultDirectories().cacheDir;
  return { cache: dir, ...(await repairCache({ ...options, dir })) };
}

/** A byte for each record: 1 where it stays. */
function chooseRecords(
  snapshot: FeatureSnapshot,
  olderThanDays: number | undefined,
  maxBytes: number | undefined,
): Uint8Array {
  const stays = new Uint8Array(snapshot.size).fill(1);
  if (olderThanDays === undefined && maxBytes === undefined) return stays;
  const uses = snapshot.lastUses();
  const inUse = snapshot.recordsInUse();
  const needed = Uint8Array.from(stays, (_, i) => Number(inUse.has(snapshot.key(i))));
  const today = dayOf(Date.now());
  const days = Float64Array.from(stays, (_, i) => uses.dayOf(snapshot.key(i)) ?? today);
  if (olderThanDays !== undefined) {
    days.forEach((day, i) => {
      if (today - day > olderThanDays && !needed[i]) stays[i] = 0;
    });
  }
  if (maxBytes !== undefined) {
    const of = (values: ArrayLike<number>, i: number) => values[i] as number;
    const latestFirst = [...stays.keys()]
      .filter((i) => stays[i])
      .sort((a, b) => of(needed, b) - of(needed, a) || of(days, b) - of(days, a) || a - b);
    let bytes = 0;
    for (const i of latestFirst) {
      bytes += diskBytes(snapshot.recordSize(i));
      if (bytes > maxBytes && !needed[i]) stays[i] = 0;
    }
  }
  return stays;
}
