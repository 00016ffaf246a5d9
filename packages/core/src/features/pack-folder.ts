import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { isRegularFileSync } from '../base/regular-file.ts';
import type { ExtractorDescription } from './key.ts';
import { encodeEntry, entryBytes, isRightEntry, PackTable } from './pack-table.ts';
import { newWriterName } from './pack-writer.ts';
import {
  hasKey,
  hasLayout,
  headerBytes,
  isWholeRecord,
  keyOf,
  numbersOf,
  type RecordLayout,
  recordBytes,
  sizeInHeader,
} from './record.ts';

/** A pack, open for reading: it stays readable whatever becomes of its name. */
export interface Pack {
  /** Without `.pack`. */
  readonly name: string;
  readonly fd: number;
  /** Bytes of its index that have been read. */
  indexed: number;
  /** When it was last written or used, in milliseconds since 1970. */
  usedAt: number;
  /** When its index is to be looked at again, and how long it has not grown. */
  nextLook: number;
  quietSince: number;
}

const indexPieceBytes = 4 * 1024 * 1024;
const dayMs = 86_400_000;
/** The index of a pack that nobody has written to for a minute is looked at every 5 seconds. */
const [quietMs, quietLookMs] = [60_000, 5_000];

/** The packs of one extractor: what others and this process have appended to them. */
export class PackFolder {
  readonly path: string;
  /** Of the extractor: the first 16 bytes of its keys. */
  readonly digest: Buffer;
  readonly table = new PackTable();
  readonly #packs: Pack[] = [];
  readonly #known = new Map<string, Pack>();
  #record = Buffer.alloc(headerBytes);

  /** @param path the folder, whose name is the digest in hexadecimal */
  constructor(path: string, digest: Buffer) {
    this.path = path;
    this.digest = Buffer.from(digest);
    this.refresh();
  }

  /** Sees what was appended since the time before, by this process and others. */
  refresh(): void {
    const now = Date.now();
    for (const file of listFolder(this.path)) {
      if (!file.endsWith('.pack')) continue;
      const name = file.slice(0, -'.pack'.length);
      const known = this.#known.get(name);
      if (known) this.#readNew(known, now);
      else this.#open(name, now);
    }
  }

  /** What the extractor's digest stands for; undefined where the cache has no description. */
  description(): ExtractorDescription | undefined {
    const file = this.#descriptionFile;
    try {
      return isRegularFileSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Notes what the extractor's digest stands for, where that is not noted yet. */
  describe(description: ExtractorDescription): void {
    if (existsSync(this.#descriptionFile)) return;
    mkdirSync(this.path, { recursive: true });
    const temporary = join(this.path, `${newWriterName()}.tmp`);
    try {
      writeFileSync(temporary, JSON.stringify(description));
      renameSync(temporary, this.#descriptionFile);
    } finally {
      rmSync(temporary, { force: true });
    }
  }

  get #descriptionFile(): string {
    return join(this.path, 'extractor.json');
  }

  /** The packs, as entries of the table number them. */
  get packs(): readonly Pack[] {
    return this.#packs;
  }

  /** The numbers of the entries, one for each key. */
  *numbers(): Generator<number> {
    for (let i = 0; i < this.table.count; i++) if (!this.table.isDuplicate(i)) yield i;
  }

  /** The numbers of the entries of each pack. */
  numbersByPack(): number[][] {
    const numbers = this.#packs.map((): number[] => []);
    for (let i = 0; i < this.table.count; i++) numbers[this.table.pack(i)]?.push(i);
    return numbers;
  }

  /** Bytes of a pack and its index. */
  bytesOf({ name, fd }: Pack): number {
    const index = statSync(join(this.path, `${name}.idx`), { throwIfNoEntry: false });
    return fstatSync(fd).size + (index?.size ?? 0);
  }

  /** The whole key of an entry. */
  key(i: number): Buffer {
    return Buffer.concat([this.digest, this.table.key(i)]);
  }

  /**
   * The record of a key, with a right checksum and, where it is given, of this layout; valid until the
   * next one is asked for.
   */
  find(key: Buffer, layout?: RecordLayout): Buffer | undefined {
    for (let i = this.table.first(key); i >= 0; i = this.table.next(i)) {
      const record = this.read(i, key);
      if (!record) this.table.markDamaged(i);
      else if (!layout || hasLayout(record, layout)) return record;
    }
    return undefined;
  }

  /** The record of an entry where it is whole and that of the key; valid until the next call. */
  read(i: number, key: Buffer): Buffer | undefined {
    const length = recordBytes(this.table.size(i));
    if (this.#record.length < length) this.#record = Buffer.allocUnsafe(length);
    const { fd } = this.#packs[this.table.pack(i)] as Pack;
    const got = readSync(fd, this.#record, 0, length, this.table.offset(i));
    if (got < length || sizeInHeader(this.#record) !== this.table.size(i)) return undefined;
    if (!hasKey(this.#record, key)) return undefined;
    const record = this.#record.subarray(0, length);
    return isWholeRecord(record) ? record : undefined;
  }

  /** The numbers of the packs whose use was not noted within a day. */
  unnoted(): Set<number> {
    const now = Date.now();
    return new Set([...this.#packs.keys()].filter((p) => now - this.#usedAt(p) > dayMs));
  }

  /** Notes on the pack of a key that it was used, where it is one of these, of which it is then taken. */
  noteUse(key: Buffer, unnoted: Set<number>): void {
    if (unnoted.size === 0) return;
    const i = this.table.first(key);
    if (i < 0 || !unnoted.delete(this.table.pack(i))) return;
    const pack = this.#packs[this.table.pack(i)] as Pack;
    pack.usedAt = Date.now();
    const seconds = pack.usedAt / 1000;
    try {
      utimesSync(join(this.path, `${pack.name}.pack`), seconds, seconds);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
    }
  }

  close(): void {
    for (const { fd } of this.#packs) closeSync(fd);
  }

  #usedAt(p: number): number {
    return (this.#packs[p] as Pack).usedAt;
  }

  /** Opens the pack before its index is read, so that what the index names can be read later. */
  #open(name: string, now: number): void {
    const path = join(this.path, `${name}.pack`);
    // Opening a pipe might never end.
    if (!isRegularFileSync(path)) return;
    let fd: number;
    try {
      fd = openSync(path, 'r');
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return;
      throw error;
    }
    const { mtimeMs: usedAt } = fstatSync(fd);
    const pack: Pack = { name, fd, indexed: 0, usedAt, nextLook: 0, quietSince: now };
    this.#known.set(name, pack);
    this.#packs.push(pack);
    this.#readNew(pack, now);
    this.#readThrough(pack);
  }

  /** Reads what was appended to the index of a pack. */
  #readNew(pack: Pack, now: number): void {
    if (now < pack.nextLook) return;
    const path = join(this.path, `${pack.name}.idx`);
    const index = statSync(path, { throwIfNoEntry: false });
    const size = index?.isFile() ? index.size : 0;
    if (size >= pack.indexed + entryBytes) {
      this.#readIndex(pack, path, size);
      pack.quietSince = now;
    }
    if (now - pack.quietSince > quietMs) pack.nextLook = now + quietLookMs;
  }

  #readIndex(pack: Pack, path: string, size: number): void {
    const number = this.#packs.indexOf(pack);
    const fd = openSync(path, 'r');
    try {
      const piece = Buffer.alloc(Math.min(indexPieceBytes, size - pack.indexed));
      const words = new Uint32Array(piece.buffer, 0, Math.floor(piece.length / 4));
      while (pack.indexed + entryBytes <= size) {
        const got = readSync(fd, piece, 0, piece.length, pack.indexed);
        const entries = Math.floor(got / entryBytes);
        if (entries === 0) return;
        for (let at = 0; at < (entries * entryBytes) / 4; at += entryBytes / 4) {
          if (isRightEntry(words, at)) this.table.add(words, at, number);
        }
        pack.indexed += entries * entryBytes;
      }
    } finally {
      closeSync(fd);
    }
  }

  /** Finds the records behind those of the index: a process may end before it has written that. */
  #readThrough(pack: Pack): void {
    const { size } = fstatSync(pack.fd);
    const number = this.#packs.indexOf(pack);
    const last = this.table.count - 1;
    const isIndexed = last >= 0 && this.table.pack(last) === number;
    let at = isIndexed ? this.table.offset(last) + recordBytes(this.table.size(last)) : 0;
    const header = Buffer.alloc(headerBytes);
    while (at + headerBytes <= size) {
      readSync(pack.fd, header, 0, headerBytes, at);
      const bytes = sizeInHeader(header);
      if (bytes === undefined || at + recordBytes(bytes) > size) return;
      const record = Buffer.allocUnsafe(recordBytes(bytes));
      readSync(pack.fd, record, 0, record.length, at);
      if (!isWholeRecord(record) || !keyOf(record).subarray(0, 16).equals(this.digest)) return;
      this.table.add(encodeEntry(keyOf(record), at, numbersOf(record).length), 0, number);
      at += recordBytes(bytes);
    }
  }
}

/** The names in a folder; none where it is not there. */
export function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}
