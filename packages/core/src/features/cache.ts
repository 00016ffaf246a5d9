import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { canReadCheckedRows, readCheckedRows } from '@headstart/native';
import { HeadstartError } from '../base/errors.ts';
import { makeFolders } from '../base/folders.ts';
import { cacheError, noCache } from './cache-error.ts';
import { type Claim, Claims } from './claims.ts';
import { FileEntries } from './file-entries.ts';
import type { ExtractorDescription, ExtractorId } from './key.ts';
import { PackFolder } from './pack-folder.ts';
import { PackWriter } from './pack-writer.ts';
import {
  type CacheRecord,
  encodeRecords,
  expectedHeaders,
  headerBytes,
  keyOf,
  numbersOf,
  type RecordLayout,
  recordBytes,
  rowBytes,
} from './record.ts';
import type { FeatureStore } from './store.ts';

export interface CacheOptions {
  /** Folder of the cache; made where it is missing, unless `readOnly`. */
  readonly dir: string;
  /** Only read: nothing is made in the folder. Default false. */
  readonly readOnly?: boolean | undefined;
  /**
   * Whether other processes may want the same records at the same time; what they compute is waited
   * for. Default true. Needless where each has a share of its own.
   */
  readonly claims?: boolean | undefined;
}

/** Where in its folder a cache is: another form of packs gets another name. */
export const packsFolder = 'packs-1';
const digestBytes = 16;

/** One extractor's packs, and what this process does there. */
interface Part {
  readonly folder: PackFolder;
  readonly writer: PackWriter;
  readonly claims: Claims;
  /** Whether something was appended here that `folder` has not seen. */
  appended: boolean;
}

/**
 * Features on disk, by key, in packs: each process appends to packs of its own and reads those of all.
 * Several processes, on several machines, may have the same cache open. Use {@link openFeatureCache};
 * close it after use.
 */
export class FeatureCache implements FeatureStore {
  readonly dir: string;
  readonly #options: CacheOptions;
  readonly #parts = new Map<string, Part>();
  readonly #files: FileEntries;
  #last: Part | undefined;
  #closed = false;

  constructor(options: CacheOptions) {
    this.dir = options.dir;
    this.#options = options;
    this.#files = new FileEntries(join(this.dir, packsFolder, 'files'));
  }

  has(key: Buffer): boolean {
    return this.#guard('read', () => this.#seen(key).table.has(key));
  }

  holds(key: Buffer, layout: RecordLayout): boolean {
    return this.find(key, layout) !== undefined;
  }

  copy(key: Buffer, layout: RecordLayout, target: Uint8Array): boolean {
    const record = this.find(key, layout);
    if (record) target.set(numbersOf(record));
    return record !== undefined;
  }

  /** The record of a key where it is whole; valid until the next one is asked for. */
  find(key: Buffer, layout?: RecordLayout): Buffer | undefined {
    return this.#guard('read', () => this.#seen(key).find(key, layout));
  }

  async read(
    keys: readonly Buffer[],
    layout: RecordLayout,
    target?: Uint8Array,
  ): Promise<Uint8Array> {
    const size = rowBytes(layout);
    const files = new Int32Array(keys.length).fill(-1);
    const offsets = new Float64Array(keys.length);
    keys.forEach((key, row) => {
      const { table, packs } = this.#seen(key);
      const i = table.first(key);
      if (i < 0 || table.size(i) !== size) return;
      files[row] = packs[table.pack(i)]?.fd ?? -1;
      offsets[row] = table.offset(i);
    });
    const places = { files, offsets, ...expectedHeaders(keys, layout), headerBytes };
    const right = canReadCheckedRows
      ? await readCheckedRows({ ...places, rowBytes: size, target })
      : new Uint8Array(keys.length);
    keys.forEach((key, row) => {
      if (right[row] || !this.has(key)) return;
      // A damaged one may have a second copy.
      const own = target?.subarray(row * size, (row + 1) * size);
      right[row] = Number(own ? this.copy(key, layout, own) : this.holds(key, layout));
    });
    return right;
  }

  putBatch(records: readonly CacheRecord[]): void {
    const missing = records.filter(({ key, shape, dtype }) => !this.find(key, { shape, dtype }));
    if (missing.length > 0) this.putEncoded(encodeRecords(missing));
    this.release(records.map(({ key }) => key));
  }

  putEncoded(records: Buffer): void {
    this.#guard('write', () => {
      for (let first = 0; first < records.length; ) {
        const digest = keyOf(records.subarray(first)).subarray(0, digestBytes);
        const keys: Buffer[] = [];
        let end = first;
        while (end < records.length) {
          const record = records.subarray(end);
          if (!keyOf(record).subarray(0, digestBytes).equals(digest)) break;
          keys.push(keyOf(record));
          end += recordBytes(numbersOf(record).length);
        }
        const part = this.#part(digest);
        mkdirSync(part.folder.path, { recursive: true });
        part.writer.append(records.subarray(first, end));
        part.appended = true;
        for (const key of keys) part.claims.release(key);
        first = end;
      }
    });
  }

  claim(keys: readonly Buffer[], layout: RecordLayout): Claim[] {
    if (this.#options.claims === false) {
      return keys.map((key) => (this.holds(key, layout) ? 'there' : 'ours'));
    }
    const there = keys.map((key) => this.holds(key, layout));
    return this.#guard('write', () => {
      const taken = keys.map((key, i) => !there[i] && this.#part(key).claims.take(key));
      // What others wrote before they gave up their claims is seen only now.
      for (const part of new Set(keys.map((key) => this.#part(key)))) part.folder.refresh();
      return keys.map((key, i): Claim => {
        if (!there[i] && !this.holds(key, layout)) return taken[i] ? 'ours' : 'theirs';
        if (taken[i]) this.#part(key).claims.release(key);
        return 'there';
      });
    });
  }

  claimant(key: Buffer): { readonly host: string; readonly pid: number } | undefined {
    return this.#part(key).claims.owner(key);
  }

  release(keys: readonly Buffer[]): void {
    this.#guard('write', () => {
      for (const key of keys) this.#part(key).claims.release(key);
    });
  }

  describeExtractor({ digest, description }: ExtractorId): void {
    this.#guard('write', () => {
      this.#part(digest).folder.describe(description);
    });
  }

  /** Takes over descriptions of extractors, by their digests in hexadecimal. */
  addExtractors(extractors: ReadonlyMap<string, ExtractorDescription>): void {
    for (const [digest, description] of extractors) {
      this.describeExtractor({ digest: Buffer.from(digest, 'hex'), description });
    }
  }

  noteUse(keys: Iterable<Buffer>): void {
    this.#guard('write', () => {
      const unnoted = new Map<PackFolder, Set<number>>();
      for (const key of keys) {
        const { folder } = this.#part(key);
        const own = unnoted.get(folder) ?? folder.unnoted();
        unnoted.set(folder, own);
        folder.noteUse(key, own);
      }
    });
  }

  readFile(key: Buffer): Buffer | undefined {
    return this.#guard('read', () => this.#files.find(key));
  }

  writeFiles(entries: readonly (readonly [key: Buffer, value: Buffer])[]): void {
    this.#guard('write', () => this.#files.add(entries));
  }

  /** The packs of every extractor. */
  folders(): PackFolder[] {
    return this.#guard('read', () => {
      const names = readdirSync(join(this.dir, packsFolder)).filter((name) => isDigest.test(name));
      return names.sort().map((name) => this.#seen(Buffer.from(name, 'hex')));
    });
  }

  /** Where the packs of an extractor are. */
  folderPath(digest: Buffer): string {
    return this.#part(digest).folder.path;
  }

  /** How many records there are, of all extractors. */
  get size(): number {
    return this.folders().reduce((sum, { table }) => sum + table.keys, 0);
  }

  /** Brings to disk what was written, and closes; calling it again does nothing. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const parts = [...this.#parts.values()];
    for (const { folder } of parts) folder.close();
    try {
      for (const { claims } of parts) claims.close();
      await Promise.all(parts.map(({ writer }) => writer.close()));
    } catch (error) {
      throw cacheError(this.dir, 'write', error);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The packs that a key belongs to, with what this process appended. */
  #seen(key: Buffer): PackFolder {
    const part = this.#part(key);
    if (part.appended) part.folder.refresh();
    part.appended = false;
    return part.folder;
  }

  #part(key: Buffer): Part {
    if (this.#last?.folder.digest.compare(key, 0, digestBytes) === 0) return this.#last;
    const name = key.toString('hex', 0, digestBytes);
    let part = this.#parts.get(name);
    if (!part) {
      const path = join(this.dir, packsFolder, name);
      const folder = this.#guard('read', () => new PackFolder(path, key.subarray(0, digestBytes)));
      part = { folder, writer: new PackWriter(path), claims: new Claims(path), appended: false };
      this.#parts.set(name, part);
    }
    this.#last = part;
    return part;
  }

  #guard<T>(verb: 'read' | 'write', action: () => T): T {
    if (this.#closed) throw new HeadstartError('INTERNAL', `The cache ${this.dir} is closed.`);
    try {
      return action();
    } catch (error) {
      if (error instanceof HeadstartError) throw error;
      throw cacheError(this.dir, verb, error);
    }
  }
}

const isDigest = /^[0-9a-f]{32}$/;

/**
 * Opens the feature cache of a folder.
 *
 * @throws HeadstartError `CACHE_UNUSABLE` for a folder that cannot be read or written, and where there
 *   is not a cache that could be only read
 * @example
 * ```ts
 * await using cache = await openFeatureCache({ dir: defaultDirectories().cacheDir });
 * ```
 */
export async function openFeatureCache(options: CacheOptions): Promise<FeatureCache> {
  const path = join(options.dir, packsFolder);
  try {
    if (!options.readOnly) await makeFolders(path);
    else readdirSync(path);
    return new FeatureCache(options);
  } catch (error) {
    const { code, cause } = error as NodeJS.ErrnoException;
    if (options.readOnly && code === 'ENOENT') throw noCache(options.dir);
    throw cacheError(options.dir, 'open', error instanceof HeadstartError ? cause : error);
  }
}
