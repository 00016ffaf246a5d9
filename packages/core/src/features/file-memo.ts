import { createHash } from 'node:crypto';
import { type BigIntStats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { type FileHash, type FileHasher, hashFiles } from '../dataset/index.ts';
import type { FeatureStore } from './store.ts';

export interface FileMemoOptions {
  /** Read all files, whatever is remembered. Default false. */
  readonly rehash?: boolean | undefined;
  /** Milliseconds since 1970; default: the clock. */
  readonly now?: (() => number) | undefined;
}

/**
 * Clocks of file systems are coarse: FAT's counts in 2 s. A file changed that shortly before it was
 * hashed may change again and look the same (git calls it racily clean), so it is not remembered.
 */
const clockMs = 2000;

const filesPerTurn = 256;
const fastStatMs = 0.1;
const parallelStats = 32;

/** Size, times of change of content and of the file's node in nanoseconds, its number, its device. */
const fields = ['size', 'mtimeNs', 'ctimeNs', 'ino', 'dev'] as const;
const statBytes = 8 * fields.length;
const hashBytes = 32;
const entryBytes = statBytes + hashBytes + 4;

/**
 * Hashes files, but does not read those that look as they did when they were hashed: the same path,
 * size, times, number and device.
 */
export function rememberingHasher(
  store: Pick<FeatureStore, 'readFile' | 'writeFiles'>,
  { rehash = false, now = Date.now }: FileMemoOptions = {},
): FileHasher {
  return async (paths, { signal, onProgress }) => {
    const started = now();
    const before = await statAll(paths, signal);
    const keys = paths.map(keyOf);
    const results = new Array<FileHash | undefined>(paths.length);
    if (!rehash) {
      keys.forEach((key, i) => {
        const hash = before[i] && recall(store.readFile(key), key, before[i]);
        if (hash) results[i] = { hash };
      });
    }
    const unknown = [...paths.keys()].filter((i) => !results[i]);
    const reused = paths.length - unknown.length;
    const report = (done: number) =>
      onProgress?.({ stage: 'hashing', done, total: paths.length, unit: 'files', reused });
    report(reused);
    const hashed = await hashFiles(
      unknown.map((i) => paths[i] as string),
      { signal, onProgress: ({ done }) => report(reused + done) },
    );
    unknown.forEach((i, k) => {
      results[i] = hashed[k];
    });
    const after = await statAll(
      unknown.map((i) => paths[i] as string),
      signal,
    );
    const entries = unknown.flatMap((i, k) => {
      const result = hashed[k];
      const [first, last] = [before[i], after[k]];
      if (!result || !('hash' in result) || !first || !last) return [];
      const settled = sameStat(first, last) && isOld(last, started);
      return settled
        ? [[keys[i] as Buffer, entryOf(keys[i] as Buffer, last, result.hash)] as const]
        : [];
    });
    if (entries.length > 0) store.writeFiles(entries);
    return results as FileHash[];
  };
}

function keyOf(path: string): Buffer {
  return createHash('sha256').update(path).digest().subarray(0, 16);
}

function isOld({ mtimeMs, ctimeMs }: BigIntStats, now: number): boolean {
  return Number(mtimeMs) < now - clockMs && Number(ctimeMs) < now - clockMs;
}

function sameStat(a: BigIntStats, b: BigIntStats): boolean {
  return fields.every((field) => a[field] === b[field]);
}

function entryOf(key: Buffer, stats: BigIntStats, hash: string): Buffer {
  const entry = Buffer.alloc(entryBytes);
  fields.forEach((field, i) => {
    entry.writeBigUInt64LE(BigInt.asUintN(64, stats[field]), 8 * i);
  });
  entry.write(hash, statBytes, 'hex');
  entry.writeUInt32LE(checksum(key, entry), statBytes + hashBytes);
  return entry;
}

/** The hash in an entry, where the entry is whole and the file looks the same. */
function recall(entry: Buffer | undefined, key: Buffer, stats: BigIntStats): string | undefined {
  if (entry?.length !== entryBytes) return undefined;
  const same = fields.every(
    (field, i) => entry.readBigUInt64LE(8 * i) === BigInt.asUintN(64, stats[field]),
  );
  if (!same || entry.readUInt32LE(statBytes + hashBytes) !== checksum(key, entry)) return undefined;
  return hashInEntry(entry);
}

/** The hash in an entry, right or wrong. */
export function hashInEntry(entry: Buffer): string {
  return entry.toString('hex', statBytes, statBytes + hashBytes);
}

function checksum(key: Buffer, entry: Buffer): number {
  return crc32(entry.subarray(0, statBytes + hashBytes), crc32(key));
}

/**
 * Undefined for files that cannot be looked at. Local disks answer sooner than a thread is asked;
 * where they turn out slow, as over a network, many files are asked about at once.
 */
async function statAll(
  paths: readonly string[],
  signal: AbortSignal | undefined,
): Promise<(BigIntStats | undefined)[]> {
  const stats: (BigIntStats | undefined)[] = [];
  let slow = false;
  while (stats.length < paths.length) {
    signal?.throwIfAborted();
    const count = slow ? parallelStats : filesPerTurn;
    const some = paths.slice(stats.length, stats.length + count);
    const started = performance.now();
    if (slow) stats.push(...(await Promise.all(some.map(statLater))));
    else stats.push(...some.map(statNow));
    slow ||= performance.now() - started > fastStatMs * some.length;
    await setImmediate();
  }
  return stats;
}

function statNow(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}

function statLater(path: string): Promise<BigIntStats | undefined> {
  return stat(path, { bigint: true }).catch(() => undefined);
}
