import { join } from 'node:path';
import { HeadstartError } from '../base/errors.ts';
import { cacheDamaged, cacheError } from './cache-error.ts';
import { type Claim, Claimant } from './claims.ts';
import { databases, type Environment, openEnvironment, readFast } from './environment.ts';
import { type DataName, dataFile, readDataName } from './folder.ts';
import { readingKey, recordsInUse } from './in-use.ts';
import type { ExtractorDescription, ExtractorId } from './key.ts';
import { DamagedFile, DataFile } from './lmdb/data-file.ts';
import { findEntry, hasSoundPages } from './lmdb/snapshot.ts';
import { encodeRecord, isWholeRecord, type RecordLayout, recordBytes } from './record.ts';
import type { StoredRecord } from './snapshot.ts';
import type { CacheRecord, FeatureStore } from './store.ts';
import { dayOf, dayOfUse, encodeUse } from './uses.ts';

export interface RemovedRecords {
  readonly removed: number;
  readonly damaged: number;
}

/**
 * Features on disk, by key, in LMDB (Symas, http://www.lmdb.tech/doc/): readers never wait, one
 * process writes at a time, a transaction is there whole or not at all whatever kills the process.
 * Several processes may have the same cache open. Use `openFeatureCache`; close it after use.
 */
export class FeatureCache implements FeatureStore {
  readonly dir: string;
  #data: DataName;
  #environment: Environment;
  readonly #claimant = new Claimant();
  readonly #left: Promise<void>[] = [];
  /** Under which keys it has said what is read. */
  readonly #readings = new Map<string, Buffer>();
  #closed: Promise<unknown> | undefined;

  constructor(dir: string, data: DataName) {
    this.dir = dir;
    this.#data = data;
    this.#environment = openEnvironment(folderOf(dir, data));
  }

  has(key: Buffer): boolean {
    return this.#guard('read', ({ records }) => records.doesExist(key));
  }

  holds(key: Buffer, layout: RecordLayout): boolean {
    return this.#bytes(key, layout) !== undefined;
  }

  copy(key: Buffer, layout: RecordLayout, target: Uint8Array): boolean {
    const bytes = this.#bytes(key, layout);
    if (bytes) target.set(bytes);
    return bytes !== undefined;
  }

  /** Records that another process has written meanwhile are left as they are. */
  putBatch(records: readonly CacheRecord[]): void {
    this.#write(({ records: database, claims }) => {
      for (const { key, row, ...layout } of records) {
        claims.removeSync(key);
        const present = readFast(database, key);
        if (present && recordBytes(key, layout, present)) continue;
        if (present) this.#checkReplaceable(key);
        database.putSync(key, encodeRecord(key, layout, row));
      }
    });
  }

  claim(keys: readonly Buffer[], layout: RecordLayout): Claim[] {
    const now = Date.now();
    const claim = this.#claimant.encode(now);
    return this.whileNobodyWrites(({ records, claims }) =>
      keys.map((key) => {
        const present = readFast(records, key);
        if (present && recordBytes(key, layout, present)) return 'there';
        const known = claims.get(key);
        if (known && this.#claimant.isTaken(known, now)) return 'theirs';
        claims.putSync(key, claim);
        return 'ours';
      }),
    );
  }

  release(keys: readonly Buffer[]): void {
    if (keys.length === 0) return;
    this.#write(({ claims }) => {
      for (const key of keys) {
        const claim = claims.get(key);
        if (claim && this.#claimant.isOwn(claim)) claims.removeSync(key);
      }
    });
  }

  describeExtractor({ digest, description }: ExtractorId): void {
    if (this.#guard('read', ({ extractors }) => extractors.doesExist(digest))) return;
    this.#write(({ extractors }) => {
      extractors.putSync(digest, Buffer.from(JSON.stringify(description)));
    });
  }

  /** Takes over descriptions of extractors from another cache. */
  addExtractors(extractors: ReadonlyMap<string, ExtractorDescription>): void {
    for (const [digest, description] of extractors) {
      this.describeExtractor({ digest: Buffer.from(digest, 'hex'), description });
    }
  }

  noteUse(keys: readonly Buffer[], today = dayOf(Date.now())): void {
    if (keys.length === 0) return;
    const { key, value } = encodeUse(keys, today);
    const reading = readingKey(key, this.#claimant.token);
    const isNoted = ({ uses }: Environment) => dayOfUse(uses.get(key)) >= today;
    const said = this.#readings.has(reading.toString('hex'));
    if (said && this.#guard('read', isNoted)) return;
    this.#write((environment) => {
      if (!isNoted(environment)) environment.uses.putSync(key, value);
      environment.claims.putSync(reading, this.#claimant.encode(Date.now()));
    });
    this.#readings.set(reading.toString('hex'), reading);
  }

  readFile(key: Buffer): Buffer | undefined {
    return this.#guard('read', ({ files }) => readFast(files, key));
  }

  writeFiles(entries: readonly (readonly [key: Buffer, value: Buffer])[]): void {
    this.#write(({ files }) => {
      for (const [key, value] of entries) files.putSync(key, value);
    });
  }

  /** True where there is a record under this key and its checksum is right. */
  hasWhole(key: Buffer): boolean {
    const record = this.#guard('read', ({ records }) => readFast(records, key));
    return record !== undefined && isWholeRecord(key, record);
  }

  /**
   * Writes records of another cache in one transaction.
   *
   * @throws HeadstartError `CACHE_UNUSABLE`
   */
  putRecords(records: readonly StoredRecord[]): void {
    this.#write(({ records: database }) => {
      for (const { key, record } of records) {
        if (database.doesExist(key)) this.#checkReplaceable(key);
        database.putSync(key, record);
      }
    });
  }

  /**
   * Takes out the records that go, unless somebody counts on them, and those that are damaged; their
   * room is used for new ones, the file stays as large as it is.
   *
   * @param goes whether the record of `keys[i]` does
   * @throws HeadstartError `CACHE_UNUSABLE`
   */
  removeRecords(keys: readonly Buffer[], goes: (i: number) => boolean): RemovedRecords {
    const counts = { removed: 0, damaged: 0 };
    this.#write((environment) => {
      const { records } = environment;
      const inUse = recordsInUse(environment);
      keys.forEach((key, i) => {
        const record = readFast(records, key);
        if (!record) return;
        const whole = isWholeRecord(key, record);
        if (whole && (!goes(i) || inUse.has(key))) return;
        this.#checkReplaceable(key);
        records.removeSync(key);
        counts[whole ? 'removed' : 'damaged']++;
      });
    });
    return counts;
  }

  /** How many records there are, of all extractors. */
  get size(): number {
    return this.#guard('read', ({ records }) => records.getCount());
  }

  /** Does something in one transaction, while nobody else writes. It may write to other caches. */
  whileNobodyWrites<T>(action: (environment: Environment) => T): T {
    let result: { readonly value: T } | undefined;
    this.#write((environment) => {
      result = { value: action(environment) };
    });
    return (result as { readonly value: T }).value;
  }

  /** Flushes and closes; calling it again does nothing. */
  async close(): Promise<void> {
    if (!this.#closed) this.#endReading();
    this.#closed ??= Promise.all([...this.#left, this.#environment.root.close()]);
    await this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A process that is gone reads no more: that it cannot be written is no failure. */
  #endReading(): void {
    if (this.#readings.size === 0) return;
    try {
      this.#write(({ claims }) => {
        for (const reading of this.#readings.values()) claims.removeSync(reading);
      });
    } catch {}
  }

  /** Valid until the next read. */
  #bytes(key: Buffer, layout: RecordLayout): Buffer | undefined {
    const record = this.#guard('read', ({ records }) => readFast(records, key));
    return record && recordBytes(key, layout, record);
  }

  /** In one transaction, on the data that are the cache's: `cache gc` may have made others of them. */
  #write(action: (environment: Environment) => void): void {
    for (;;) {
      const current = this.#guard('write', (environment) =>
        environment.root.transactionSync(() => {
          const now = readDataName(this.dir);
          if (now === this.#data) action(environment);
          return now;
        }),
      );
      if (current === this.#data) return;
      if (current === undefined) throw cacheError(this.dir, 'write', 'it was deleted');
      this.#left.push(this.#environment.root.close());
      this.#data = current;
      this.#environment = this.#guard('open', () => openEnvironment(folderOf(this.dir, current)));
    }
  }

  /** LMDB frees the pages of what it replaces, by what they say: damaged ones must not be believed. */
  #checkReplaceable(key: Buffer): void {
    using file = new DataFile(dataFile(this.dir, this.#data));
    try {
      const meta = file.meta();
      const entry = findEntry(file, meta, databases.records, key);
      if (!entry || hasSoundPages(file, meta, entry)) return;
    } catch (error) {
      if (!(error instanceof DamagedFile)) throw error;
    }
    throw cacheDamaged(this.dir, 'a record’s pages are not what they should be');
  }

  #guard<T>(verb: 'open' | 'read' | 'write', action: (environment: Environment) => T): T {
    if (this.#closed) throw new HeadstartError('INTERNAL', `The cache ${this.dir} is closed.`);
    try {
      return action(this.#environment);
    } catch (error) {
      if (error instanceof HeadstartError) throw error;
      throw cacheError(this.dir, verb, error);
    }
  }
}

function folderOf(dir: string, data: DataName): string {
  return data === '' ? dir : join(dir, data);
}
