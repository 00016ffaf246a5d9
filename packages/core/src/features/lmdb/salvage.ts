import { DamagedFile, type DataFile, type Entry, pageFlags } from './data-file.ts';
import { entryAt, nodeCount } from './page.ts';

/**
 * Everything that looks like an entry of a leaf, in whatever page of the file, reachable or not:
 * for a file whose tree is damaged. What is found may be old or wrong; the caller checks it.
 * `entry.key` is valid until the next one is asked for.
 */
export function* salvageEntries(file: DataFile, pageSize: number): Generator<Entry> {
  const page = Buffer.allocUnsafe(pageSize);
  for (let position = 0; file.read(page, position) === pageSize; position += pageSize) {
    if (page.readUInt16LE(18) !== pageFlags.leaf) continue;
    for (let i = 0; i < countOf(page); i++) {
      const entry = attempt(() => entryAt(page, i, position));
      if (entry && entry.offset + entry.size <= file.size) yield entry;
    }
  }
}

function countOf(page: Buffer): number {
  return attempt(() => nodeCount(page)) ?? 0;
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (error instanceof DamagedFile) return undefined;
    throw error;
  }
}
