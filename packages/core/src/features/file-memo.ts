import { hash } from 'node:crypto';
import { type BigIntStats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import type { NoticeListener } from '../base/operation.ts';
import { type FileHash, type FileHasher, hashFiles } from '../dataset/index.ts';
import { isUnusable } from './cache-error.ts';
import type { FeatureStore } from './store.ts';

export interface FileMemoOptions {
  /** Read all files, whatever is remembered. Default false. */
  readonly rehash?: boolean | undefined;
  readonly onNotice?: NoticeListener | undefined;
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
const keyBytes = 16;
const entryBytes = statBytes + hashBytes + 4;

/**
 * Hashes files, but does not read those that look as they did when they were hashed: the same path,
 * size, times, number and device.
 */
export function rememberingHasher(
  store: Pick<FeatureStore, 'readFile' | 'writeFiles'>,
  { rehash = false, onNotice, now = Date.now }: FileMemoOptions = {},
): FileHasher {
  return async (paths, { signal, onProgress }) => {
    const started = now();
    const before = new Looks(paths.length);
    const results = new Array<FileHash | undefined>(paths.length);
    await lookAtAll(paths, before, signal, (i) => {
      const look = rehash ? undefined : before.at(i);
      const hash = look && recall(store, keyOf(paths[i] as string), look);
      if (hash) results[i] = { hash };
    });
    const unknown = [...paths.keys()].filter((i) => !results[i]);
    const reused = paths.length - unknown.length;
    const report = (done: number) =>
      onProgress?.({ stage: 'hashing', done, total: paths.length, unit: 'files', reused });
    report(reused);
    const read = unknown.map((i) => paths[i] as string);
    const hashed = await hashFiles(read, {
      signal,
      onProgress: ({ done }) => report(reused + done),
    });
    const after = new Looks(read.length);
    await lookAtAll(read, after, signal);
    const keys = Buffer.allocUnsafeSlow(keyBytes * read.length);
    const values = Buffer.allocUnsafeSlow(entryBytes * read.length);
    const entries: FileEntry[] = [];
    unknown.forEach((i, k) => {
      const result = hashed[k] as FileHash;
      results[i] = result;
      const [first, last] = [before.at(i), after.at(k)];
      if (!('hash' in result) || !first || !last) return;
      if (!first.equals(last) || !after.isOld(k, started)) return;
      const key = keys.subarray(k * keyBytes, (k + 1) * keyBytes);
      keyOf(read[k] as string).copy(key);
      const value = values.subarray(k * entryBytes, (k + 1) * entryBytes);
      writeEntry(value, key, last, result.hash);
      entries.push([key, value]);
    });
    if (entries.length > 0) remember(store, entries, onNotice);
    return results as FileHash[];
  };
}

type FileEntry = readonly [key: Buffer, value: Buffer];

/** What was read is right also where it cannot be written down, as on a full disk. */
function remember(
  store: Pick<FeatureStore, 'writeFiles'>,
  entries: readonly FileEntry[],
  onNotice: NoticeListener | undefined,
): void {
  try {
    store.writeFiles(entries);
  } catch (error) {
    if (!isUnusable(error)) throw error;
    const text = `${error.message} The hashes of files are not remembered: the next command reads the files again.`;
    onNotice?.({ level: 'warning', text });
  }
}

function keyOf(path: string): Buffer {
  return hash('sha256', path, 'buffer').subarray(0, keyBytes);
}

/** How files look: their stats as entries have them. Objects for 100,000 of them cost seconds. */
class Looks {
  readonly #numbers: BigUint64Array;
  readonly #bytes: Buffer;
  readonly #seen: Uint8Array;

  constructor(count: number) {
    this.#numbers = new BigUint64Array(fields.length * count);
    this.#bytes = Buffer.from(this.#numbers.buffer);
    this.#seen = new Uint8Array(count);
  }

  set(i: number, stats: BigIntStats | undefined): void {
    if (!stats) return;
    this.#seen[i] = 1;
    for (let k = 0; k < fields.length; k++) {
      // What is negative becomes its two's complement.
      this.#numbers[i * fields.length + k] = stats[fields[k] as (typeof fields)[number]];
    }
  }

  /** Undefined for a file that could not be looked at. */
  at(i: number): Buffer | undefined {
    if (!this.#seen[i]) return undefined;
    return this.#bytes.subarray(i * statBytes, (i + 1) * statBytes);
  }

  /** Whether the file was changed well before a time, in milliseconds since 1970. */
  isOld(i: number, time: number): boolean {
    const changed = (k: number) =>
      Number(BigInt.asIntN(64, this.#numbers[i * fields.length + k] as bigint)) / 1e6;
    return changed(1) < time - clockMs && changed(2) < time - clockMs;
  }
}

function writeEntry(entry: Buffer, key: Buffer, look: Buffer, hash: string): void {
  look.copy(entry);
  entry.write(hash, statBytes, 'hex');
  entry.writeUInt32LE(checksum(key, entry), statBytes + hashBytes);
}

/** The hash that is remembered, where its entry is whole and the file looks the same. */
function recall(
  store: Pick<FeatureStore, 'readFile'>,
  key: Buffer,
  look: Buffer,
): string | undefined {
  const entry = store.readFile(key);
  if (entry?.length !== entryBytes) return undefined;
  if (look.compare(entry, 0, statBytes) !== 0) return undefined;
  if (entry.readUInt32LE(statBytes + hashBytes) !== checksum(key, entry)) return undefined;
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
 * Local disks answer sooner than a thread starts; where they turn out slow, as over a network, many
 * files are looked up at once.
 */
async function lookAtAll(
  paths: readonly string[],
  looks: Looks,
  signal: AbortSignal | undefined,
  onLook: (i: number) => void = () => {},
): Promise<void> {
  let slow = false;
  for (let first = 0; first < paths.length; ) {
    signal?.throwIfAborted();
    const end = Math.min(paths.length, first + (slow ? parallelStats : filesPerTurn));
    const started = performance.now();
    if (slow) {
      const stats = await Promise.all(paths.slice(first, end).map(statLater));
      for (const [k, one] of stats.entries()) looks.set(first + k, one);
    } else {
      for (let i = first; i < end; i++) looks.set(i, statNow(paths[i] as string));
    }
    slow ||= performance.now() - started > fastStatMs * (end - first);
    for (; first < end; first++) onLook(first);
    await setImmediate();
  }
}

function statNow(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function statLater(path: string): Promise<BigIntStats | undefined> {
  return stat(path, { bigint: true }).catch(() => undefined);
}
