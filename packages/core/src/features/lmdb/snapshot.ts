import {
  type DataFile,
  damaged,
  type Entry,
  type Meta,
  nodeFlags,
  pageFlags,
  pageHeaderBytes,
  type Tree,
  treeAt,
  unflushed,
} from './data-file.ts';
import { branchAt, checkTiling, entriesOf, entryAt, isLeaf, nodeCount } from './page.ts';

/** Called with each entry of a named database in the order of keys; `entry` is valid until it returns. */
export type EntryListener = (database: string, entry: Entry) => void;

const integerKeys = 0x08;
const treeBytes = 48;

/**
 * Reads all pages of a snapshot but those of large values, and checks all that LMDB takes for
 * granted: the kind and bounds of pages, the order of keys, that everything lies in the file, and
 * that no page is used twice or both used and free. What passes, LMDB can work on.
 *
 * @throws DamagedFile
 */
export function walkSnapshot(file: DataFile, meta: Meta, onEntry?: EntryListener): void {
  const walk = new Walk(file, meta);
  walk.check();
  walk.tree(meta.main, meta.main.flags, (entry) => {
    if (!(entry.flags & nodeFlags.subDatabase)) return;
    const name = entry.key.toString('latin1').replace(/\0$/, '');
    const tree = subTree(file, entry);
    walk.tree(tree, 0, onEntry ? (inner) => onEntry(name, inner) : undefined);
  });
  walk.freeList(meta.free);
}

/**
 * Looks a key up in a named database.
 *
 * @throws DamagedFile
 */
export function findEntry(
  file: DataFile,
  meta: Meta,
  database: string,
  key: Buffer,
): Entry | undefined {
  for (const name of [database, `${database}\0`]) {
    const entry = lookUp(file, meta, meta.main, Buffer.from(name));
    if (entry) return lookUp(file, meta, subTree(file, entry), key);
  }
  return undefined;
}

/** True where the pages of a large value are what its entry says: LMDB may free them. */
export function hasSoundPages(file: DataFile, { pageSize }: Meta, { pages }: Entry): boolean {
  if (!pages) return true;
  const header = Buffer.alloc(pageHeaderBytes);
  const { first, count } = pages;
  if (file.read(header, first * pageSize) < header.length) return false;
  return (
    header.readBigUInt64LE(0) === BigInt(first) &&
    header.readUInt16LE(18) === pageFlags.overflow &&
    header.readUInt32LE(20) === count
  );
}

function lookUp(file: DataFile, meta: Meta, tree: Tree, key: Buffer): Entry | undefined {
  if (tree.root === undefined) return undefined;
  let number = tree.root;
  for (let level = 0; level < 64; level++) {
    const page = readPage(file, meta, number);
    const count = nodeCount(page);
    if (isLeaf(page)) {
      for (let i = 0; i < count; i++) {
        const entry = entryAt(page, i, number * meta.pageSize);
        if (entry.key.equals(key)) return entry;
      }
      return undefined;
    }
    let chosen = 0;
    for (let i = 1; i < count && branchAt(page, i).key.compare(key) <= 0; i++) chosen = i;
    number = branchAt(page, chosen).page;
  }
  return damaged('its tree is too deep');
}

function subTree(file: DataFile, { flags, offset, size }: Entry): Tree {
  if (flags !== nodeFlags.subDatabase || size !== treeBytes) damaged('a database has no tree');
  const bytes = Buffer.alloc(treeBytes);
  if (file.read(bytes, offset) < treeBytes) damaged('it is cut off');
  return treeAt(bytes, 0);
}

function readPage(file: DataFile, { pageSize }: Meta, number: number): Buffer {
  const page = Buffer.allocUnsafe(pageSize);
  if (file.read(page, number * pageSize) < pageSize) damaged('it is cut off');
  return page;
}

class Walk {
  readonly #file: DataFile;
  readonly #meta: Meta;
  /** One byte a page: taken or not. */
  readonly #taken: Uint8Array;

  constructor(file: DataFile, meta: Meta) {
    const { pageSize, lastPage } = meta;
    // Pages at the end may be free and never written: as many as one batch at the most.
    if (lastPage > 2 * (file.size / pageSize) + 2 ** 20) damaged('it is cut off');
    this.#file = file;
    this.#meta = meta;
    this.#taken = new Uint8Array(lastPage + 1);
    this.#taken.fill(1, 0, 2);
  }

  check(): void {
    const { flags } = this.#meta.free;
    if ((flags & ~unflushed) !== integerKeys) damaged('its flags are not those of a cache');
  }

  tree(tree: Tree, flags: number, onEntry?: (entry: Entry) => void): void {
    if ((tree.flags & ~unflushed) !== flags || (flags !== 0 && flags !== integerKeys)) {
      damaged('the flags of a database are wrong');
    }
    let entries = 0;
    let last: Buffer | undefined;
    const visit = (number: number, level: number, from?: Buffer, to?: Buffer) => {
      if (level > tree.depth) damaged('a tree is deeper than it says');
      const page = this.#page(number);
      const leaf = isLeaf(page) ? entriesOf(page, number * this.#meta.pageSize) : undefined;
      checkTiling(page, leaf);
      const count = nodeCount(page);
      if (leaf) {
        if (level !== tree.depth || count === 0) damaged('a tree is not as deep as it says');
        for (const entry of leaf) {
          const { key } = entry;
          const sorted = flags === integerKeys ? sortedNumbers(last, key) : sortedBytes(last, key);
          if (!sorted) damaged('its keys are not in order');
          if (
            flags !== integerKeys &&
            ((from && key.compare(from) < 0) || (to && key.compare(to) >= 0))
          ) {
            damaged('a key is in a wrong page');
          }
          if (entry.pages) this.#take(entry.pages.first, entry.pages.count);
          if (entry.offset + entry.size > this.#file.size) damaged('it is cut off');
          last = key;
          entries++;
          onEntry?.(entry);
        }
        return;
      }
      if (count < (flags === integerKeys ? 1 : 2)) damaged('a branch has no branches');
      const branches = Array.from({ length: count }, (_, i) => branchAt(page, i));
      branches.forEach((branch, i) => {
        const begin = i === 0 ? from : branch.key;
        visit(branch.page, level + 1, begin, branches[i + 1]?.key ?? to);
      });
    };
    if (tree.root !== undefined) visit(tree.root, 1);
    if (entries !== tree.entries) damaged('a database has another number of entries than it says');
  }

  /** Which pages are free: blocks as a negative length and the first page, or single pages. */
  freeList(tree: Tree): void {
    this.tree(tree, integerKeys, ({ key, offset, size }) => {
      if (key.length !== 8 || size < 8 || size % 8 !== 0) damaged('its list of free pages is bad');
      const list = Buffer.allocUnsafe(size);
      if (this.#file.read(list, offset) < size) damaged('it is cut off');
      const number = (i: number) => Number(list.readBigInt64LE(8 * i));
      const count = number(0);
      if (count < 0 || 8 * (count + 1) > size) damaged('its list of free pages is bad');
      for (let i = 1; i <= count; i++) {
        const value = number(i);
        if (value > 0) this.#take(value, 1);
        if (value >= 0) continue;
        if (i === count) damaged('its list of free pages is bad');
        this.#take(number(++i), -value);
      }
    });
  }

  #page(number: number): Buffer {
    this.#take(number, 1);
    const page = readPage(this.#file, this.#meta, number);
    if (page.readBigUInt64LE(0) !== BigInt(number)) damaged('a page is not where it belongs');
    if (page.readBigUInt64LE(8) > BigInt(this.#meta.txnId)) damaged('a page is of the future');
    if (page.readUInt16LE(16) !== 0) damaged('a page has unknown flags');
    return page;
  }

  #take(first: number, count: number): void {
    if (first < 2 || count < 1 || first + count > this.#taken.length) {
      damaged('a page number is beyond the end');
    }
    if (this.#taken.subarray(first, first + count).includes(1)) damaged('a page is used twice');
    this.#taken.fill(1, first, first + count);
  }
}

function sortedBytes(before: Buffer | undefined, key: Buffer): boolean {
  return before === undefined || before.compare(key) < 0;
}

function sortedNumbers(before: Buffer | undefined, key: Buffer): boolean {
  if (key.length !== 8) return false;
  return before === undefined || before.readBigUInt64LE(0) < key.readBigUInt64LE(0);
}
