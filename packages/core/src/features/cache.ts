import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { writeFileAtomically } from '../atomic-file.ts';
import { HeadstartError, reasonOf, systemCode } from '../errors.ts';
import { makeFolders } from '../folders.ts';
import type { ExtractorDescription, ExtractorId } from './key.ts';
import { encodeRecord, isWholeRecord, type RecordLayout, recordBytes } from './record.ts';
import type { FeatureRows } from './set.ts';

export interface CacheOptions {
  /** Folder of the cache; made where it is missing. */
  readonly dir: string;
  /** Default false. A read-only cache must exist already. */
  readonly readOnly?: boolean | undefined;
}

/** Features of one view, under their key. */
export interface CacheRecord extends RecordLayout {
  readonly key: Buffer;
  readonly row: FeatureRows;
}

/** A record as it lies in the cache. */
export interface StoredRecord {
  readonly key: Buffer;
  readonly record: Buffer;
}

/** Of the folder as a whole; LMDB's own format and that of the records have versions of theirs. */
const formatVersion = 1;
const formatFile = 'format.json';

/**
 * Features on disk, by key, in LMDB (Symas, http://www.lmdb.tech/doc/): readers never wait, one
 * process writes at a time, a transaction is there whole or not at all whatever kills the process.
 * Several processes may have the same cache open. Use {@link openFeatureCache}; close it after use.
 */
export class FeatureCache {
  readonly dir: string;
  readonly readOnly: boolean;
  readonly #root: RootDatabase<Buffer, Buffer>;
  readonly #records: Database<Buffer, Buffer>;
  readonly #extractors: Database<Buffer, Buffer>;
  #closed: Promise<void> | undefined;

  constructor(dir: string, readOnly: boolean) {
    this.dir = dir;
    this.readOnly = readOnly;
    this.#root = open<Buffer, Buffer>({
      path: dir,
      noSubdir: false,
      readOnly,
      maxDbs: 4,
      encoding: 'binary',
      keyEncoding: 'binary',
    });
    const binary = { encoding: 'binary', keyEncoding: 'binary' } as const;
    this.#records = this.#root.openDB<Buffer, Buffer>('records', binary);
    this.#extractors = this.#root.openDB<Buffer, Buffer>('extractors', binary);
  }

  /** True where there is a record under this key; it may yet turn out to be damaged. */
  has(key: Buffer): boolean {
    return this.#guard('read', () => this.#records.doesExist(key));
  }

  /** True where there is a record of this layout under this key and its checksum is right. */
  holds(key: Buffer, layout: RecordLayout): boolean {
    return this.#bytes(key, layout) !== undefined;
  }

  /**
   * Copies the numbers of a record to `target`, which has their size.
   *
   * @returns false, with `target` untouched, where `holds` would be false
   */
  copy(key: Buffer, layout: RecordLayout, target: Uint8Array): boolean {
    const bytes = this.#bytes(key, layout);
    if (bytes) target.set(bytes);
    return bytes !== undefined;
  }

  /**
   * Writes records in one transaction: after it all of them are on disk, or none.
   *
   * @throws HeadstartError `CACHE_UNUSABLE`: full disk, read-only folder
   */
  putBatch(records: readonly CacheRecord[]): void {
    this.#guard('write', () =>
      this.#root.transactionSync(() => {
        for (const { key, row, ...layout } of records) {
          this.#records.putSync(key, encodeRecord(key, layout, row));
        }
      }),
    );
  }

  /** Notes what an extractor's digest stands for, so that people can be told. */
  describeExtractor({ digest, description }: ExtractorId): void {
    this.#guard('write', () => {
      if (this.#extractors.doesExist(digest)) return;
      this.#extractors.putSync(digest, Buffer.from(JSON.stringify(description)));
    });
  }

  /** What the digests of extractors, in hexadecimal, stand for. */
  extractors(): Map<string, ExtractorDescription> {
    return this.#guard('read', () => {
      const known = new Map<string, ExtractorDescription>();
      for (const { key, value } of this.#extractors.getRange()) {
        known.set(key.toString('hex'), JSON.parse(value.toString('utf8')));
      }
      return known;
    });
  }

  /** Takes over descriptions of extractors from another cache. */
  addExtractors(extractors: ReadonlyMap<string, ExtractorDescription>): void {
    for (const [digest, description] of extractors) {
      this.describeExtractor({ digest: Buffer.from(digest, 'hex'), description });
    }
  }

  /** Up to `count` records in the order of their keys, from behind `after` on. */
  page(after: Buffer | undefined, count: number): StoredRecord[] {
    return this.#guard('read', () => {
      const range = after ? { start: after, exclusiveStart: true } : {};
      const found = this.#records.getRange({ ...range, limit: count, snapshot: false });
      return [...found].map(({ key, value }) => ({ key: Buffer.from(key), record: value }));
    });
  }

  /** True where there is a record under this key and its checksum is right. */
  hasWhole(key: Buffer): boolean {
    const record = this.#guard('read', () => this.#records.getBinaryFast(key));
    return record !== undefined && isWholeRecord(key, record);
  }

  /**
   * Writes records of another cache in one transaction.
   *
   * @throws HeadstartError `CACHE_UNUSABLE`
   */
  putRecords(records: readonly StoredRecord[]): void {
    this.#guard('write', () =>
      this.#root.transactionSync(() => {
        for (const { key, record } of records) this.#records.putSync(key, record);
      }),
    );
  }

  /** How many records there are, of all extractors. */
  get size(): number {
    return this.#guard('read', () => this.#records.getCount());
  }

  /** Flushes and closes; calling it again does nothing. */
  close(): Promise<void> {
    this.#closed ??= this.#root.close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Valid until the next read only: LMDB's memory, not ours. */
  #bytes(key: Buffer, layout: RecordLayout): Buffer | undefined {
    const record = this.#guard('read', () => this.#records.getBinaryFast(key));
    return record && recordBytes(key, layout, record);
  }

  #guard<T>(verb: 'read' | 'write', action: () => T): T {
    if (this.#closed) throw new HeadstartError('INTERNAL', `The cache ${this.dir} is closed.`);
    try {
      return action();
    } catch (error) {
      throw unusable(this.dir, verb, error);
    }
  }
}

/**
 * Opens the feature cache of a folder.
 *
 * @throws HeadstartError `CACHE_UNUSABLE` for a folder that cannot be read or written, or that a
 * newer version made
 */
export async function openFeatureCache(options: CacheOptions): Promise<FeatureCache> {
  const { dir, readOnly = false } = options;
  try {
    if (!readOnly) await makeFolders(dir);
    await checkFormat(dir, readOnly);
    return new FeatureCache(dir, readOnly);
  } catch (error) {
    if (error instanceof HeadstartError && error.code === 'CACHE_UNUSABLE') throw error;
    throw unusable(dir, 'open', error instanceof HeadstartError ? error.cause : error);
  }
}

async function checkFormat(dir: string, readOnly: boolean): Promise<void> {
  const path = join(dir, formatFile);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT' && readOnly) {
      throw new HeadstartError('CACHE_UNUSABLE', `There is no feature cache in ${dir}.`);
    }
    if (systemCode(error) !== 'ENOENT') throw error;
    await writeFileAtomically(
      path,
      `${JSON.stringify({ headstartFeatureCache: formatVersion })}\n`,
    );
    return;
  }
  const version = versionIn(text);
  if (version === formatVersion) return;
  const what =
    version === undefined
      ? `${path} is damaged`
      : `it has format ${version}, which a newer version of Headstart made; this one knows ${formatVersion}`;
  throw new HeadstartError(
    'CACHE_UNUSABLE',
    `Cannot use the feature cache ${dir}: ${what}. Choose another folder with --cache-dir, or delete this one.`,
  );
}

function versionIn(text: string): number | undefined {
  try {
    const version: unknown = JSON.parse(text)?.headstartFeatureCache;
    return Number.isInteger(version) ? (version as number) : undefined;
  } catch {
    return undefined;
  }
}

function unusable(dir: string, verb: 'open' | 'read' | 'write', error: unknown): HeadstartError {
  const advice =
    verb === 'read'
      ? 'Delete the folder: what it held is computed again.'
      : 'Choose a folder that can be written and has room, with --cache-dir.';
  return new HeadstartError(
    'CACHE_UNUSABLE',
    `Cannot ${verb} the feature cache ${dir}: ${reasonOf(error)}. ${advice}`,
    { cause: error },
  );
}
