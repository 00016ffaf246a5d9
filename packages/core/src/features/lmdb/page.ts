import {
  damaged,
  type Entry,
  nodeFlags,
  pageFlags,
  pageHeaderBytes,
  wholeNumber,
} from './data-file.ts';

const nodeHeaderBytes = 8;
const overflowBytes = 24;
const maxKeyBytes = 4026;

/** A node of a branch: keys from `key` on are below `page`. */
export interface Branch {
  readonly key: Buffer;
  readonly page: number;
}

/** Which kind of page of a tree this is. */
export function isLeaf(page: Buffer): boolean {
  const flags = page.readUInt16LE(18);
  if (flags !== pageFlags.leaf && flags !== pageFlags.branch) damaged('a page has unknown flags');
  return flags === pageFlags.leaf;
}

/** How many nodes a page has; its header must make sense. */
export function nodeCount(page: Buffer): number {
  const lower = page.readUInt16LE(20);
  const upper = page.readUInt16LE(22);
  const fits = lower % 2 === 0 && lower <= upper && upper <= page.length - pageHeaderBytes;
  if (!fits) damaged('a page’s bounds are impossible');
  return lower / 2;
}

/** Of a leaf: what stands under the key of number `i`; `position`: of the page in the file. */
export function entryAt(page: Buffer, i: number, position: number): Entry {
  const at = nodeStart(page, i);
  const size = page.readUInt16LE(at) | (page.readUInt16LE(at + 2) << 16);
  const flags = page.readUInt16LE(at + 4);
  const key = keyAt(page, at);
  const data = at + nodeHeaderBytes + key.length;
  if (key.length === 0 || size < 0 || flags & ~(nodeFlags.big | nodeFlags.subDatabase)) {
    damaged('a page’s entry is impossible');
  }
  const end = data + (flags & nodeFlags.big ? overflowBytes : size);
  if (end > page.length) damaged('a page’s entry is too long');
  if (!(flags & nodeFlags.big)) return { key, flags, offset: position + data, size };
  const first = wholeNumber(page, data);
  const count = wholeNumber(page, data + 16);
  if (count !== Math.floor((pageHeaderBytes - 1 + size) / page.length) + 1) {
    damaged('a record’s pages are not of its size');
  }
  const offset = first * page.length + pageHeaderBytes;
  return { key, flags, offset, size, pages: { first, count } };
}

/** Of a branch: its node of number `i`. */
export function branchAt(page: Buffer, i: number): Branch {
  const at = nodeStart(page, i);
  const low = page.readUInt16LE(at) + page.readUInt16LE(at + 2) * 2 ** 16;
  return { key: keyAt(page, at), page: low + page.readUInt16LE(at + 4) * 2 ** 32 };
}

/** Of a leaf: all that stands in it. */
export function entriesOf(page: Buffer, position: number): Entry[] {
  return Array.from({ length: nodeCount(page) }, (_, i) => entryAt(page, i, position));
}

/**
 * Throws where the nodes of a page do not fill it from its upper bound to its end.
 *
 * @param entries those of a leaf; undefined for a branch
 */
export function checkTiling(page: Buffer, entries: readonly Entry[] | undefined): void {
  const count = nodeCount(page);
  // Start and end in one number, so that they are sorted together: pages have 64 KiB at most.
  const factor = 2 ** 20;
  const nodes = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const start = nodeStart(page, i);
    let end = start + nodeHeaderBytes + page.readUInt16LE(start + 6);
    const entry = entries?.[i];
    if (entry) end += entry.flags & nodeFlags.big ? overflowBytes : entry.size;
    nodes[i] = start * factor + end + (end % 2);
  }
  nodes.sort();
  let at = page.readUInt16LE(22) + pageHeaderBytes;
  for (const node of nodes) {
    if (Math.floor(node / factor) !== at) damaged('a page’s entries overlap');
    at = node % factor;
  }
  if (at !== page.length) damaged('a page’s entries do not fill it');
}

function nodeStart(page: Buffer, i: number): number {
  const at = page.readUInt16LE(pageHeaderBytes + 2 * i) + pageHeaderBytes;
  if (at % 2 !== 0 || at + nodeHeaderBytes > page.length) damaged('a page points beyond itself');
  return at;
}

function keyAt(page: Buffer, at: number): Buffer {
  const size = page.readUInt16LE(at + 6);
  const begin = at + nodeHeaderBytes;
  if (size > maxKeyBytes || begin + size > page.length) damaged('a key is too long');
  return page.subarray(begin, begin + size);
}
