import { HeadstartError } from '../base/errors.ts';
import { cacheDamaged, cacheError, noCache } from './cache-error.ts';
import { isHeld } from './claims.ts';
import { databases } from './environment.ts';
import { dataFile, readDataName } from './folder.ts';
import { RecordsInUse, useKeyOf } from './in-use.ts';
import { type ExtractorDescription, keyBytes } from './key.ts';
import { DamagedFile, type DataFile } from './lmdb/data-file.ts';
import { readSnapshot } from './lmdb/read.ts';
import { isWholeRecord, type RecordLayout, recordBytes } from './record.ts';
import { LastUses } from './uses.ts';

/** A record as it lies in a cache. */
export interface StoredRecord {
  readonly key: Buffer;
  readonly record: Buffer;
}

interface Index {
  /** {@link keyBytes} each, in order. */
  readonly keys: Buffer;
  /** Where each record is in the file, and its size. */
  readonly offsets: Float64Array;
  readonly sizes: Uint32Array;
}

interface Place {
  readonly offset: number;
  readonly size: number;
}

/** A claim to read the records of an entry of uses. */
interface Reading extends Place {
  readonly use: string;
}

/**
 * What a cache held when it was opened, read without LMDB, and without writing or locking anything:
 * for folders that cannot be written, and for looking at a cache. Records that others add later
 * are not seen. Only the keys are in memory. Use {@link openFeatureSnapshot}; close it after use.
 */
export class FeatureSnapshot implements Disposable {
  readonly dir: string;
  readonly #file: DataFile | undefined;
  readonly #index: Index;
  readonly #extractors: readonly (readonly [digest: string, place: Place])[];
  readonly #uses: ReadonlyMap<string, Place>;
  readonly #readings: readonly Reading[];
  #record = Buffer.alloc(0);

  constructor(dir: string, file: DataFile | undefined, found: Found) {
    this.dir = dir;
    this.#file = file;
    this.#index = found.index();
    this.#extractors = found.extractors;
    this.#uses = found.uses;
    this.#readings = found.readings;
  }

  /** How many records there are, of all extractors. */
  get size(): number {
    return this.#index.sizes.length;
  }

  /** Of the data file, in bytes. */
  get fileSize(): number {
    return this.#file?.size ?? 0;
  }

  /** The key of number `i`, in the order of keys. */
  key(i: number): Buffer {
    return this.#index.keys.subarray(i * keyBytes, (i + 1) * keyBytes);
  }

  /** How many bytes the record of number `i` has. */
  recordSize(i: number): number {
    return this.#index.sizes[i] as number;
  }

  /** The record of number `i`, as it lies there; valid until the next one is asked for. */
  record(i: number): StoredRecord {
    return {
      key: this.key(i),
      record: this.#read(this.#index.offsets[i] as number, this.recordSize(i)),
    };
  }

  has(key: Buffer): boolean {
    return this.find(key) !== undefined;
  }

  holds(key: Buffer, layout: RecordLayout): boolean {
    return this.#bytes(key, layout) !== undefined;
  }

  /** As {@link FeatureStore.copy}. */
  copy(key: Buffer, layout: RecordLayout, target: Uint8Array): boolean {
    const bytes = this.#bytes(key, layout);
    if (bytes) target.set(bytes);
    return bytes !== undefined;
  }

  /** Whether the record of number `i` has the right checksum. */
  isWhole(i: number): boolean {
    const { key, record } = this.record(i);
    return isWholeRecord(key, record);
  }

  /** What the digests of extractors, in hexadecimal, stand for. Illegible ones are left out. */
  extractors(): Map<string, ExtractorDescription> {
    const known = new Map<string, ExtractorDescription>();
    for (const [digest, { offset, size }] of this.#extractors) {
      const description = parseDescription(this.#read(offset, size));
      if (description) known.set(digest, description);
    }
    return known;
  }

  /** When records were last used. */
  lastUses(): LastUses {
    const uses = new LastUses();
    for (const { offset, size } of this.#uses.values()) uses.add(this.#read(offset, size));
    return uses;
  }

  /** What commands that are still running count on. */
  recordsInUse(): RecordsInUse {
    const inUse = new RecordsInUse();
    const now = Date.now();
    for (const { use, offset, size } of this.#readings) {
      if (!isHeld(this.#read(offset, size), now)) continue;
      const place = this.#uses.get(use);
      if (place) inUse.add(this.#read(place.offset, place.size));
    }
    return inUse;
  }

  close(): void {
    this.#file?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #bytes(key: Buffer, layout: RecordLayout): Buffer | undefined {
    const i = this.find(key);
    return i === undefined ? undefined : recordBytes(key, layout, this.record(i).record);
  }

  /** The number of a key. */
  find(key: Buffer): number | undefined {
    let [low, high] = [0, this.size - 1];
    const { keys } = this.#index;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const at = middle * keyBytes;
      const order = keys.compare(key, 0, key.length, at, at + keyBytes);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }

  #read(offset: number, size: number): Buffer {
    if (this.#record.length < size) this.#record = Buffer.allocUnsafe(size);
    const target = this.#record.subarray(0, size);
    try {
      return target.subarray(0, this.#file?.read(target, offset) ?? 0);
    } catch (error) {
      throw cacheError(this.dir, 'read', error);
    }
  }
}

/** What a walk through the data file collects. */
class Found {
  readonly extractors: (readonly [string, Place])[] = [];
  readonly uses = new Map<string, Place>();
  readonly readings: Reading[] = [];
  #keys = Buffer.alloc(keyBytes * 1024);
  #count = 0;
  readonly #offsets: number[] = [];
  readonly #sizes: number[] = [];

  add(database: string, { key, offset, size }: { readonly key: Buffer } & Place): void {
    if (database === databases.records && key.length === keyBytes) {
      if (this.#keys.length < (this.#count + 1) * keyBytes) {
        this.#keys = Buffer.concat([this.#keys], 2 * this.#keys.length);
      }
      key.copy(this.#keys, this.#count++ * keyBytes);
      this.#offsets.push(offset);
      this.#sizes.push(size);
    } else if (database === databases.extractors) {
      this.extractors.push([key.toString('hex'), { offset, size }]);
    } else if (database === databases.uses) {
      this.uses.set(key.toString('hex'), { offset, size });
    } else if (database === databases.claims) {
      const use = useKeyOf(key)?.toString('hex');
      if (use) this.readings.push({ use, offset, size });
    }
  }

  index(): Index {
    return {
      keys: this.#keys,
      offsets: Float64Array.from(this.#offsets),
      sizes: Uint32Array.from(this.#sizes),
    };
  }
}

/**
 * Opens what a cache holds now, for reading alone.
 *
 * @throws HeadstartError `CACHE_UNUSABLE` where there is no cache, it cannot be read, its data file
 * is damaged, or a newer version made it
 */
export async function openFeatureSnapshot(dir: string): Promise<FeatureSnapshot> {
  try {
    for (;;) {
      const data = readDataName(dir);
      if (data === undefined) throw noCache(dir);
      const read = await readSnapshot(dataFile(dir, data), () => {
        const result = new Found();
        return { result, onEntry: (database, entry) => result.add(database, entry) };
      });
      if (readDataName(dir) === data) {
        return new FeatureSnapshot(dir, read?.file, read?.result ?? new Found());
      }
      read?.file.close();
    }
  } catch (error) {
    if (error instanceof HeadstartError) throw error;
    if (error instanceof DamagedFile) throw cacheDamaged(dir, error.message);
    throw cacheError(dir, 'read', error);
  }
}

function parseDescription(bytes: Buffer): ExtractorDescription | undefined {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
