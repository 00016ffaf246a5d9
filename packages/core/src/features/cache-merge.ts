import { constants, copyFileSync, linkSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { defaultDirectories } from '../base/directories.ts';
import { systemCode } from '../base/errors.ts';
import { type FeatureCache, openFeatureCache } from './cache.ts';
import type { CacheFolderOptions } from './cache-content.ts';
import { cacheError } from './cache-error.ts';
import type { PackFolder } from './pack-folder.ts';

export interface MergeCachesOptions extends CacheFolderOptions {
  /** Folders of other caches, which are only read. */
  readonly from: readonly string[];
}

export interface CacheMerge {
  readonly cache: string;
  readonly added: number;
  /** Those that were there already. */
  readonly present: number;
  /** Damaged in the other cache, and left out. */
  readonly damaged: number;
}

const recordsPerTurn = 128;
const bytesAtOnce = 4 * 1024 * 1024;

/**
 * Adds the records of other caches that are not there. Each is checked first. A pack that holds nothing
 * else is linked, or copied where that cannot be. What was added is kept when it is interrupted; the
 * same call goes on from there.
 *
 * @throws HeadstartError `CACHE_UNUSABLE`; `signal.reason` where aborted
 * @example
 * ```ts
 * const { added } = await mergeCaches({ from: ['cache-1', 'cache-2'] });
 * ```
 */
export async function mergeCaches(options: MergeCachesOptions): Promise<CacheMerge> {
  const dir = options.cacheDir ?? defaultDirectories().cacheDir;
  await using cache = await openFeatureCache({ dir });
  const counts = { added: 0, present: 0, damaged: 0 };
  for (const from of options.from) {
    await using other = await openFeatureCache({ dir: from, readOnly: true });
    let done = 0;
    const total = other.size;
    for (const folder of other.folders()) {
      const description = folder.description();
      if (description) cache.describeExtractor({ digest: folder.digest, description });
      const turn = async () => {
        if (done++ % recordsPerTurn !== 0) return;
        options.signal?.throwIfAborted();
        const stage = `merging ${from}`;
        options.onProgress?.({ stage, done: done - 1, total, unit: 'records' });
        await setImmediate();
      };
      for (const [p, numbers] of folder.numbersByPack().entries()) {
        await mergePack(cache, folder, p, numbers, counts, turn);
      }
    }
  }
  return { cache: dir, ...counts };
}

async function mergePack(
  cache: FeatureCache,
  folder: PackFolder,
  p: number,
  numbers: readonly number[],
  counts: { added: number; present: number; damaged: number },
  turn: () => Promise<void>,
): Promise<void> {
  const missing: Buffer[] = [];
  for (const i of numbers) {
    if (folder.table.isDuplicate(i)) continue;
    await turn();
    const key = folder.key(i);
    if (cache.find(key)) counts.present++;
    else if (folder.find(key)) missing.push(key);
    else counts.damaged++;
  }
  const name = folder.packs[p]?.name ?? '';
  const all = missing.length === numbers.length && numbers.length > 0;
  if (!all || !link(folder.path, cache.folderPath(folder.digest), name, cache.dir)) {
    append(cache, folder, missing);
  }
  counts.added += missing.length;
}

function append(cache: FeatureCache, folder: PackFolder, keys: readonly Buffer[]): void {
  let [batch, bytes]: [Buffer[], number] = [[], 0];
  for (const key of keys) {
    const record = folder.find(key);
    if (record) bytes += batch.push(Buffer.from(record)) && record.length;
    if (bytes < bytesAtOnce) continue;
    cache.putEncoded(Buffer.concat(batch));
    [batch, bytes] = [[], 0];
  }
  if (bytes > 0) cache.putEncoded(Buffer.concat(batch));
}

/** Gives a pack and its index a name in another folder too. False where there is one of that name. */
function link(from: string, to: string, name: string, dir: string): boolean {
  try {
    mkdirSync(to, { recursive: true });
    for (const file of [`${name}.pack`, `${name}.idx`]) {
      try {
        linkSync(join(from, file), join(to, file));
      } catch (error) {
        const code = systemCode(error);
        if (code === 'EEXIST') return false;
        if (code !== 'ENOENT') copy(join(from, file), to, file);
      }
    }
    return true;
  } catch (error) {
    throw cacheError(dir, 'write', error);
  }
}

function copy(from: string, folder: string, name: string): void {
  const temporary = join(folder, `${name}.tmp`);
  try {
    copyFileSync(from, temporary, constants.COPYFILE_FICLONE);
    renameSync(temporary, join(folder, name));
  } finally {
    rmSync(temporary, { force: true });
  }
}
