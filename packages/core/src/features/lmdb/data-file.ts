import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';

/**
 * LMDB's data file, format 2, as lmdb-js writes it: read with ordinary reads, never mapped, so that
 * damage is something to find rather than something to crash on. All numbers are little-endian.
 */
export const pageHeaderBytes = 24;

const magic = 0xbeefc0de;
const formatVersion = 2;
const metaBytes = 144;
const noPage = 2n ** 64n - 1n;

export const pageFlags = { branch: 0x01, leaf: 0x02, overflow: 0x04, meta: 0x08 } as const;
/** A flag of the list of free pages: lmdb-js may not have flushed all to disk. */
export const unflushed = 0x1000;
export const nodeFlags = { big: 0x01, subDatabase: 0x02 } as const;

/** A tree of pages. `root` is undefined where it is empty. */
export interface Tree {
  readonly flags: number;
  readonly depth: number;
  readonly entries: number;
  readonly root: number | undefined;
}

/** A snapshot's start: its trees, its last page, the transaction that made it. */
export interface Meta {
  readonly pageSize: number;
  readonly free: Tree;
  readonly main: Tree;
  readonly lastPage: number;
  readonly txnId: number;
  /** Of the system when it was written. */
  readonly bootId: bigint;
}

/** What is wrong with a data file, for people, without a full stop. */
export class DamagedFile extends Error {}

export function damaged(what: string): never {
  throw new DamagedFile(what);
}

/** A key with where its value lies in the file: `offset` bytes from the start. */
export interface Entry {
  readonly key: Buffer;
  readonly flags: number;
  readonly offset: number;
  readonly size: number;
  /** The pages of its own that the value takes, where it does. */
  readonly pages?: { readonly first: number; readonly count: number } | undefined;
}

/** The data file of an LMDB environment, open for reading. */
export class DataFile implements Disposable {
  readonly #fd: number;
  #size: number;

  constructor(path: string) {
    this.#fd = openSync(path, 'r');
    this.#size = fstatSync(this.#fd).size;
  }

  /** When it was opened, or when {@link meta} was last called. */
  get size(): number {
    return this.#size;
  }

  /** Reads into the whole of `target`. Returns how many bytes there were. */
  read(target: Uint8Array, position: number): number {
    let done = 0;
    while (done < target.length) {
      const count = readSync(this.#fd, target, done, target.length - done, position + done);
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  /**
   * The snapshot that LMDB starts from: the newest one; after a restart of the machine, where the file
   * was not closed before, the oldest, as later ones may not be on disk.
   *
   * @throws DamagedFile
   */
  meta(): Meta {
    const first = this.#metaAt(0);
    const second = this.#metaAt(first.pageSize);
    if (second.pageSize !== first.pageSize) damaged('its two headers differ');
    const odd = first.txnId % 2 !== 0 || (second.txnId % 2 !== 1 && second.txnId !== 0);
    const latest = first.txnId >= second.txnId ? first : second;
    // lmdb-js keeps a third one: what it knows to be on disk.
    const flushed = this.#snapshotAt(first.pageSize / 2);
    if (odd || flushed.txnId > latest.txnId) damaged('its headers contradict each other');
    // What the snapshot consists of was written before it.
    this.#size = fstatSync(this.#fd).size;
    const { bootId } = latest;
    const here = bootIdHere();
    const sameBoot = here === undefined || (bootId !== 0n && bootId === here);
    if (second.txnId === 0 || sameBoot || !(latest.free.flags & unflushed)) return latest;
    const before = first.txnId > second.txnId ? second : first;
    return flushed.txnId !== 0 && flushed.txnId < before.txnId ? flushed : before;
  }

  close(): void {
    closeSync(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #metaAt(position: number): Meta {
    const bytes = Buffer.alloc(pageHeaderBytes + 16);
    if (this.read(bytes, position) < bytes.length) damaged('it is cut off');
    const known =
      (bytes.readUInt16LE(18) & pageFlags.meta) !== 0 &&
      bytes.readUInt32LE(pageHeaderBytes) === magic &&
      (bytes.readUInt32LE(pageHeaderBytes + 4) & 0xffff) === formatVersion &&
      bytes.readBigUInt64LE(pageHeaderBytes + 8) === 0n;
    if (!known) damaged('its header is not LMDB’s');
    const meta = this.#snapshotAt(position);
    const { pageSize } = meta;
    const powerOfTwo = (pageSize & (pageSize - 1)) === 0;
    if (!powerOfTwo || pageSize < 512 || pageSize > 65536) damaged('its page size is impossible');
    return meta;
  }

  #snapshotAt(position: number): Meta {
    const bytes = Buffer.alloc(metaBytes);
    if (this.read(bytes, position + pageHeaderBytes) < metaBytes) damaged('it is cut off');
    return {
      pageSize: bytes.readUInt32LE(24),
      free: withoutOpenFlags(treeAt(bytes, 24)),
      main: treeAt(bytes, 72),
      lastPage: wholeNumber(bytes, 120),
      txnId: wholeNumber(bytes, 128),
      bootId: bytes.readBigInt64LE(136),
    };
  }
}

/**
 * A cache that was opened and never written to has, among the flags of its list of free pages, one of
 * those that lmdb-js opens it with: commits do not wait for the disk.
 */
function withoutOpenFlags(tree: Tree): Tree {
  const overlappingSync = 0x1000;
  return { ...tree, flags: tree.flags & ~overlappingSync };
}

export function treeAt(bytes: Buffer, at: number): Tree {
  const root = bytes.readBigUInt64LE(at + 40);
  return {
    flags: bytes.readUInt16LE(at + 4),
    depth: bytes.readUInt16LE(at + 6),
    entries: wholeNumber(bytes, at + 32),
    root: root === noPage ? undefined : Number(root),
  };
}

export function wholeNumber(bytes: Buffer, at: number): number {
  const value = bytes.readBigUInt64LE(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) damaged('it holds a number that is too large');
  return Number(value);
}

let knownBootId: bigint | undefined;

/** As LMDB has it on Linux: the digits before the first dash. Undefined where it is not known. */
function bootIdHere(): bigint | undefined {
  if (knownBootId === undefined) {
    try {
      const text = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1');
      knownBootId = BigInt(`0x${text.split('-')[0]}`);
    } catch {
      return undefined;
    }
  }
  return knownBootId;
}
