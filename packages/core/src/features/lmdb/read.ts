import { setTimeout } from 'node:timers/promises';
import { DamagedFile, DataFile, type Meta } from './data-file.ts';
import { type EntryListener, walkSnapshot } from './snapshot.ts';

/** A data file that others write to so fast that no snapshot of it could be read whole. */
export class BusyFile extends Error {}

/** A data file that was walked through without finding damage. It is still open. */
export interface ReadSnapshot<T> {
  readonly file: DataFile;
  readonly meta: Meta;
  readonly result: T;
}

const attempts = 100;
const pauseMs = 10;

/**
 * Walks through the newest snapshot of a data file, collecting what is there. While others write,
 * pages of a snapshot are used anew once two more were made: then what was read makes no sense,
 * and the walk begins again with the newest.
 *
 * @returns undefined where the file is missing or empty: LMDB begins a new one then
 * @throws DamagedFile, BusyFile
 */
export async function readSnapshot<T>(
  path: string,
  begin: () => { readonly result: T; readonly onEntry?: EntryListener },
): Promise<ReadSnapshot<T> | undefined> {
  for (let attempt = 1; ; attempt++) {
    const file = openDataFile(path);
    if (!file) return undefined;
    let txnId: number | undefined;
    try {
      const meta = file.meta();
      txnId = meta.txnId;
      const { result, onEntry } = begin();
      walkSnapshot(file, meta, onEntry);
      // What a transaction frees is used by the second one after it, not by the next.
      if (newestOf(file) <= txnId + 1) return { file, meta, result };
      file.close();
    } catch (error) {
      const moved = txnId === undefined ? attempt < 5 : newestOf(file) !== txnId;
      file.close();
      if (!(error instanceof DamagedFile) || !moved) throw error;
    }
    if (attempt === attempts) throw new BusyFile('other processes write to it without a pause');
    await setTimeout(pauseMs);
  }
}

function openDataFile(path: string): DataFile | undefined {
  try {
    const file = new DataFile(path);
    if (file.size > 0) return file;
    file.close();
    return undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function newestOf(file: DataFile): number {
  try {
    return file.meta().txnId;
  } catch (error) {
    if (error instanceof DamagedFile) return -1;
    throw error;
  }
}
