import { rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { defaultDirectories } from '../base/directories.ts';
import { HeadstartError, systemCode } from '../base/errors.ts';
import { checkOptions, collectOptions, type OptionsOf } from '../options/index.ts';
import { openFeatureCache } from './cache.ts';
import type { CacheFolderOptions } from './cache-content.ts';
import { cacheError } from './cache-error.ts';
import { listFolder, type Pack, type PackFolder } from './pack-folder.ts';
import { mayBeAlive, PackWriter } from './pack-writer.ts';
import { recordBytes } from './record.ts';

export interface CollectGarbageOptions
  extends CacheFolderOptions,
    OptionsOf<typeof collectOptions> {}

/** What `cache gc --json` prints. */
export interface CacheCollection {
  readonly cache: string;
  readonly dryRun: boolean;
  readonly removed: number;
  readonly kept: number;
  /** Records of a wrong checksum, which were removed too. Undefined for a dry run. */
  readonly damaged?: number | undefined;
  /** Of all packs. */
  readonly bytesBefore: number;
  /** For a dry run what it would be without what is damaged. */
  readonly bytesAfter: number;
  /** False where there was no room to write what is left of a pack: it keeps its size. */
  readonly shrunk: boolean;
}

const dayMs = 86_400_000;
const recordsPerTurn = 128;
const bytesAtOnce = 4 * 1024 * 1024;
/** Packs of processes that are gone are joined to larger ones when there are many. */
const [smallBytes, mostSmall] = [8 * 1024 * 1024, 8];

interface Candidate {
  readonly folder: PackFolder;
  readonly pack: Pack;
  readonly numbers: readonly number[];
  readonly bytes: number;
  readonly usedAt: number;
}

/**
 * Takes out packs that were not used for long, and what is damaged or was computed twice. Without
 * `olderThanDays` and `maxBytes` only the latter. A use is noted on the whole pack, once a day; what was
 * used within a day stays, whatever the limits. A process that reads a pack goes on reading it, also
 * after it was taken out; one that is being written is left alone.
 *
 * @throws HeadstartError `CACHE_UNUSABLE`, `USAGE`; `signal.reason` where aborted
 * @example
 * ```ts
 * await collectCacheGarbage({ olderThanDays: 90 });
 * ```
 */
export async function collectCacheGarbage(
  options: CollectGarbageOptions = {},
): Promise<CacheCollection> {
  checkOptions(collectOptions, options);
  const { olderThanDays, maxBytes, dryRun = false } = options;
  const dir = options.cacheDir ?? defaultDirectories().cacheDir;
  await using cache = await openFeatureCache({ dir, readOnly: true });
  const folders = cache.folders();
  const records = cache.size;
  const packs = folders.flatMap(candidatesOf);
  const sizeOf = (some: Iterable<Candidate>) =>
    [...some].reduce((sum, { bytes }) => sum + bytes, 0);
  const before = sizeOf(packs);
  const goes = new Set(packs.filter(choose(packs, olderThanDays, maxBytes)));
  if (dryRun) {
    const stays = new Set(packs.filter((pack) => !goes.has(pack)).map(({ pack }) => pack));
    const kept = folders.reduce((sum, folder) => sum + countKeys(folder, stays), 0);
    const sizes = { bytesBefore: before, bytesAfter: before - sizeOf(goes) };
    return { cache: dir, dryRun: true, removed: records - kept, kept, ...sizes, shrunk: true };
  }
  try {
    const gone = [...goes].filter(({ folder, pack }) => removePack(folder, pack.name));
    const left = packs.filter((pack) => !gone.includes(pack));
    const found = { damaged: 0, shrunk: true };
    for (const folder of folders) {
      await tidy(folder, left, found, options);
      removeLeftovers(folder);
    }
    await using after = await openFeatureCache({ dir, readOnly: true });
    const kept = after.size;
    return {
      cache: dir,
      dryRun: false,
      removed: Math.max(0, records - kept - found.damaged),
      kept,
      damaged: found.damaged,
      bytesBefore: before,
      bytesAfter: sizeOf(after.folders().flatMap(candidatesOf)),
      shrunk: found.shrunk,
    };
  } catch (error) {
    if (error instanceof HeadstartError || options.signal?.aborted) throw error;
    throw cacheError(dir, 'write', error);
  }
}

function candidatesOf(folder: PackFolder): Candidate[] {
  const numbers = folder.numbersByPack();
  return folder.packs.map((pack, p) => ({
    folder,
    pack,
    numbers: numbers[p] ?? [],
    bytes: folder.bytesOf(pack),
    usedAt: pack.usedAt,
  }));
}

/** Which packs go. */
function choose(
  packs: readonly Candidate[],
  olderThanDays = Infinity,
  maxBytes = Infinity,
): (pack: Candidate) => boolean {
  const now = Date.now();
  const latestFirst = [...packs].sort((a, b) => b.usedAt - a.usedAt);
  const goes = new Set<Candidate>();
  let bytes = 0;
  for (const pack of latestFirst) {
    const age = now - pack.usedAt;
    const fits = bytes + pack.bytes <= maxBytes;
    if (age > dayMs && (age > olderThanDays * dayMs || !fits)) goes.add(pack);
    else bytes += pack.bytes;
  }
  return (pack) => goes.has(pack);
}

/** Distinct keys in some packs. */
function countKeys({ table, packs }: PackFolder, stays: ReadonlySet<Pack>): number {
  const keys = new Set<string>();
  for (let i = 0; i < table.count; i++) {
    if (stays.has(packs[table.pack(i)] as Pack)) keys.add(table.key(i).toString('latin1'));
  }
  return keys.size;
}

/** False where the system forbids it, as where another process has it open. */
function removePack(folder: PackFolder, name: string): boolean {
  try {
    // First the pack: an index alone is looked at by nobody.
    rmSync(join(folder.path, `${name}.pack`), { force: true });
    rmSync(join(folder.path, `${name}.idx`), { force: true });
    return true;
  } catch (error) {
    if (['EPERM', 'EBUSY', 'EACCES'].includes(systemCode(error) ?? '')) return false;
    throw error;
  }
}

/** What killed processes left: indexes without packs, half-written files. */
function removeLeftovers(folder: PackFolder): void {
  const names = listFolder(folder.path);
  for (const name of names) {
    const [, writer = '', end] = /^(.*)\.(idx|tmp)$/.exec(name) ?? [];
    const isLeft = end === 'tmp' || (end === 'idx' && !names.includes(`${writer}.pack`));
    if (isLeft && !mayBeAlive(writer)) rmSync(join(folder.path, name), { force: true });
  }
}

/**
 * Writes what is left of packs to others, where something in them is damaged, more than half of them is
 * of no use any more, or many are small.
 */
async function tidy(
  folder: PackFolder,
  packs: readonly Candidate[],
  found: { damaged: number; shrunk: boolean },
  { signal, onProgress }: CollectGarbageOptions,
): Promise<void> {
  const own = packs.filter((one) => one.folder === folder);
  const closed = own.filter(({ pack }) => !mayBeAlive(pack.name));
  const small = new Set(closed.filter(({ bytes }) => bytes < smallBytes));
  const total = own.reduce((sum, { numbers }) => sum + numbers.length, 0);
  // What is in packs that were taken out is not a second copy.
  const stays = new Set(own.map(({ pack }) => pack));
  for (let i = 0; i < folder.table.count; i++) {
    if (!stays.has(folder.packs[folder.table.pack(i)] as Pack)) folder.table.markDamaged(i);
  }
  const groups: Remains[][] = [];
  const joined: Remains[] = [];
  let done = 0;
  for (const one of own) {
    const live: number[] = [];
    let [bytes, bad] = [0, 0];
    for (const i of one.numbers) {
      if (done++ % recordsPerTurn === 0) {
        signal?.throwIfAborted();
        onProgress?.({ stage: 'checking', done: done - 1, total, unit: 'records' });
        await setImmediate();
      }
      const key = folder.key(i);
      if (!folder.read(i, key)) {
        folder.table.markDamaged(i);
        bad++;
      } else if (folder.table.first(key) === i) {
        live.push(i);
        bytes += recordBytes(folder.table.size(i));
      }
    }
    if (!closed.includes(one)) continue;
    found.damaged += bad;
    const isSmall = small.size > mostSmall && small.has(one);
    if (isSmall) joined.push({ ...one, live });
    else if (bad > 0 || 2 * bytes < one.bytes) groups.push([{ ...one, live }]);
  }
  if (joined.length > 0) groups.push(joined);
  for (const group of groups) {
    signal?.throwIfAborted();
    if (!(await rewrite(folder, group))) found.shrunk = false;
    await setImmediate();
  }
}

/** A pack, and the entries in it that stay. */
interface Remains extends Candidate {
  readonly live: readonly number[];
}

/** Appends what is left of some packs to a new one, and removes them. False where there is no room. */
async function rewrite(folder: PackFolder, group: readonly Remains[]): Promise<boolean> {
  const writer = new PackWriter(folder.path);
  const names = new Set<string>();
  let [batch, bytes]: [Buffer[], number] = [[], 0];
  const flush = () => {
    if (bytes > 0) names.add(writer.append(Buffer.concat(batch)));
    [batch, bytes] = [[], 0];
  };
  try {
    for (const { live } of group) {
      for (const i of live) {
        const record = folder.read(i, folder.key(i));
        if (record) bytes += batch.push(Buffer.from(record)) && record.length;
        if (bytes >= bytesAtOnce) flush();
      }
    }
    flush();
    await writer.close();
  } catch (error) {
    await writer.close().catch(() => {});
    for (const name of names) removePack(folder, name);
    if (['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '')) return false;
    throw error;
  }
  const usedAt = Math.max(...group.map((one) => one.usedAt)) / 1000;
  for (const name of names) utimesSync(join(folder.path, `${name}.pack`), usedAt, usedAt);
  for (const { pack } of group) removePack(folder, pack.name);
  return true;
}
