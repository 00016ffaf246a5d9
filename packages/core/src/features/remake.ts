import { closeSync, fsyncSync, openSync } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { HeadstartError } from '../base/errors.ts';
import type { LongOperationOptions } from '../base/operation.ts';
import type { FeatureCache, RemovedRecords } from './cache.ts';
import { cacheError, noCache } from './cache-error.ts';
import { isHeld } from './claims.ts';
import { type Environment, openEnvironment } from './environment.ts';
import { hashInEntry } from './file-memo.ts';
import { dataFile, listData, newDataName, readDataName, removeData, switchData } from './folder.ts';
import { recordsInUse, useKeyOf } from './in-use.ts';
import { contentOf } from './key.ts';
import { openFeatureCache } from './open-cache.ts';
import { isWholeRecord } from './record.ts';
import { lockForRemaking } from './remaking-lock.ts';
import { type FeatureSnapshot, openFeatureSnapshot } from './snapshot.ts';
import { dayOf, encodeUse, LastUses } from './uses.ts';

export interface RemakeOptions extends LongOperationOptions {
  readonly dir: string;
  /** Which records stay, by their numbers in the snapshot: a byte each. */
  readonly choose: (snapshot: FeatureSnapshot) => Uint8Array;
}

export interface Remade {
  readonly kept: number;
  readonly removed: number;
  /** Records of a wrong checksum, which do not stay. */
  readonly damaged: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** False where there was no room for a second file: the first one keeps its size. */
  readonly shrunk: boolean;
}

const batchBytes = 16 * 1024 * 1024;
const recordsAtOnce = 256;

/**
 * Writes the records that stay to a new data file, beside the old one, and makes it the cache's at
 * once; the old one is removed. Whatever happens before that, the cache is as it was. Others may
 * have it open: they go on, and what they write meanwhile is taken along, as is what was chosen to go
 * and they count on.
 *
 * @throws HeadstartError `CACHE_UNUSABLE`; `signal.reason` where aborted
 */
export async function remakeCache(options: RemakeOptions): Promise<Remade> {
  const { dir } = options;
  try {
    return await remake(options);
  } catch (error) {
    if (error instanceof HeadstartError || options.signal?.aborted) throw error;
    throw cacheError(dir, 'write', error);
  }
}

async function remake(options: RemakeOptions): Promise<Remade> {
  const { dir, choose } = options;
  if (readDataName(dir) === undefined) throw noCache(dir);
  await using _ = await lockForRemaking(dir);
  await removeLeftovers(dir);
  await using cache = await openFeatureCache({ dir });
  using snapshot = await openFeatureSnapshot(dir);
  const stays = choose(snapshot);
  const bytesBefore = snapshot.fileSize;
  const needed = bytesOf(snapshot, stays);
  const same = { removed: 0, damaged: 0, bytesBefore, bytesAfter: bytesBefore };
  const compact = !stays.includes(0) && bytesBefore < 1.1 * needed + batchBytes;
  if (compact && (await isWhole(snapshot, options))) {
    return { ...same, kept: snapshot.size, shrunk: true };
  }
  const { bavail, bsize } = await statfs(dir);
  if (bavail * bsize < needed + batchBytes) {
    const gone = await removeInPlace(cache, snapshot, stays, options);
    const kept = snapshot.size - gone.removed - gone.damaged;
    return { ...same, ...gone, kept, shrunk: false };
  }
  const kept = await writeAnew(cache, snapshot, stays, options);
  const removed = stays.reduce((sum, one, i) => sum + (one || kept[i] ? 0 : 1), 0);
  const count = kept.reduce((sum, one) => sum + one, 0);
  const damaged = snapshot.size - removed - count;
  return {
    kept: count,
    removed,
    damaged,
    bytesBefore,
    bytesAfter: await sizeOf(dir),
    shrunk: true,
  };
}

/** Whether all records have the right checksums. */
async function isWhole(
  snapshot: FeatureSnapshot,
  { signal, onProgress }: LongOperationOptions,
): Promise<boolean> {
  const total = snapshot.size;
  for (let i = 0; i < total; i++) {
    if (i % recordsAtOnce === 0) {
      signal?.throwIfAborted();
      onProgress?.({ stage: 'checking', done: i, total, unit: 'records' });
      await setImmediate();
    }
    if (!snapshot.isWhole(i)) return false;
  }
  return true;
}

/** Returns which of the snapshot's records are there now: a byte each. */
async function writeAnew(
  cache: FeatureCache,
  snapshot: FeatureSnapshot,
  stays: Uint8Array,
  options: RemakeOptions,
): Promise<Uint8Array> {
  const { dir } = options;
  const old = readDataName(dir) ?? '';
  const data = newDataName(dir);
  const target = openEnvironment(join(dir, data), false);
  try {
    const kept = await copyRecords(snapshot, stays, target, options);
    cache.whileNobodyWrites((source) => {
      target.root.transactionSync(() => copyRest(source, snapshot, { stays, kept }, target));
      flush(dataFile(dir, data));
      switchData(dir, data);
    });
    return kept;
  } finally {
    await target.root.close();
    await removeData(dir, readDataName(dir) === data ? old : data);
  }
}

/** Returns which have been copied: those that stay and are whole. */
async function copyRecords(
  snapshot: FeatureSnapshot,
  stays: Uint8Array,
  target: Environment,
  { signal, onProgress }: LongOperationOptions,
): Promise<Uint8Array> {
  const total = stays.length;
  const copied = new Uint8Array(total);
  for (let done = 0; done < total; ) {
    signal?.throwIfAborted();
    let bytes = 0;
    target.root.transactionSync(() => {
      for (; done < total && bytes < batchBytes; done++) {
        if (!stays[done]) continue;
        const { key, record } = snapshot.record(done);
        bytes += record.length;
        if (!isWholeRecord(key, record)) continue;
        target.records.putSync(key, record, { append: true });
        copied[done] = 1;
      }
    });
    onProgress?.({ stage: 'copying', done, total, unit: 'records' });
    await setImmediate();
  }
  return copied;
}

interface Choice {
  readonly stays: Uint8Array;
  /** Those of the snapshot that are in the new data; gets what is added. */
  readonly kept: Uint8Array;
}

/**
 * What others wrote since the snapshot, also of records that were damaged in it; what they count on;
 * and everything that is not records.
 */
function copyRest(
  source: Environment,
  snapshot: FeatureSnapshot,
  { stays, kept }: Choice,
  target: Environment,
): void {
  const inUse = recordsInUse(source);
  const contents = new Set<string>();
  for (const found of source.records.getKeys()) {
    const key = Buffer.from(found);
    const known = snapshot.find(key);
    if (known === undefined || !kept[known]) {
      if (known !== undefined && !stays[known] && !inUse.has(key)) continue;
      const record = source.records.get(key) as Buffer;
      if (!isWholeRecord(key, record)) continue;
      target.records.putSync(key, record);
      if (known !== undefined) kept[known] = 1;
    }
    contents.add(contentOf(key));
  }
  for (const { key, value } of source.extractors.getRange()) {
    target.extractors.putSync(Buffer.from(key), value);
  }
  for (const { key, value } of source.files.getRange()) {
    if (contents.has(hashInEntry(value))) target.files.putSync(Buffer.from(key), value);
  }
  copyUses(source, target);
  copyClaims(source, target);
}

/** Those of processes that are at work, with the entries of uses that they name. */
function copyClaims(source: Environment, target: Environment): void {
  const now = Date.now();
  for (const { key: found, value } of source.claims.getRange()) {
    if (!isHeld(value, now)) continue;
    const key = Buffer.from(found);
    target.claims.putSync(key, value);
    const useKey = useKeyOf(key);
    const use = useKey && source.uses.get(useKey);
    if (use) target.uses.putSync(useKey, use);
  }
}

/** One entry a day. Records of which it is not known are used today: they are new. */
function copyUses(source: Environment, target: Environment): void {
  const uses = new LastUses();
  for (const { value } of source.uses.getRange()) uses.add(value);
  const days = new Map<number, Buffer[]>();
  const today = dayOf(Date.now());
  for (const found of target.records.getKeys()) {
    const key = Buffer.from(found);
    const day = uses.dayOf(key) ?? today;
    const keys = days.get(day);
    if (keys) keys.push(key);
    else days.set(day, [key]);
  }
  for (const [day, keys] of days) {
    const { key, value } = encodeUse(keys, day);
    target.uses.putSync(key, value);
  }
}

/** Where there is no room for a second file. Returns how many were taken out. */
async function removeInPlace(
  cache: FeatureCache,
  snapshot: FeatureSnapshot,
  stays: Uint8Array,
  { signal, onProgress }: LongOperationOptions,
): Promise<RemovedRecords> {
  const total = stays.length;
  let [removed, damaged] = [0, 0];
  for (let first = 0; first < total; first += recordsAtOnce) {
    signal?.throwIfAborted();
    const end = Math.min(total, first + recordsAtOnce);
    const keys = Array.from({ length: end - first }, (_, i) => snapshot.key(first + i));
    const gone = cache.removeRecords(keys, (i) => !stays[first + i]);
    removed += gone.removed;
    damaged += gone.damaged;
    onProgress?.({ stage: 'removing', done: end, total, unit: 'records' });
    await setImmediate();
  }
  return { removed, damaged };
}

/** What a killed process left. */
async function removeLeftovers(dir: string): Promise<void> {
  const current = readDataName(dir);
  for (const data of listData(dir)) if (data !== current) await removeData(dir, data);
}

/** Bytes of the pages that the records take. */
function bytesOf(snapshot: FeatureSnapshot, stays: Uint8Array): number {
  let bytes = 0;
  stays.forEach((one, i) => {
    if (one) bytes += diskBytes(snapshot.recordSize(i));
  });
  return bytes;
}

/** What a record of some size takes on disk, about. */
export function diskBytes(recordSize: number): number {
  const pages = Math.ceil((recordSize + 24) / 4096);
  return recordSize > 2000 ? 4096 * pages + 128 : recordSize + 128;
}

async function sizeOf(dir: string): Promise<number> {
  return (await stat(dataFile(dir, readDataName(dir) ?? ''))).size;
}

function flush(path: string): void {
  const fd = openSync(path, 'r+');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
