import { HeadstartError } from '../base/errors.ts';
import { makeFolders } from '../base/folders.ts';
import { FeatureCache } from './cache.ts';
import { cacheDamaged, cacheError } from './cache-error.ts';
import { type DataName, dataFile, readDataName, writeFirstFormat } from './folder.ts';
import { DamagedFile } from './lmdb/data-file.ts';
import { BusyFile, readSnapshot } from './lmdb/read.ts';

export interface CacheOptions {
  /** Folder of the cache; made where it is missing. */
  readonly dir: string;
}

/**
 * Opens the feature cache of a folder. Its data file is looked through first, all but the records
 * themselves: LMDB trusts it, and would crash on a damaged one.
 *
 * @throws HeadstartError `CACHE_UNUSABLE` for a folder that cannot be read or written, that is
 * damaged, or that a newer version made
 */
export async function openFeatureCache({ dir }: CacheOptions): Promise<FeatureCache> {
  try {
    await makeFolders(dir);
    if (readDataName(dir) === undefined) await writeFirstFormat(dir);
    for (;;) {
      const data = readDataName(dir) ?? '';
      await checkData(dir, data);
      const cache = new FeatureCache(dir, data);
      // Others may have been made the cache's data, and these removed, just now.
      if (readDataName(dir) === data) return cache;
      await cache.close();
    }
  } catch (error) {
    if (error instanceof HeadstartError && error.code === 'CACHE_UNUSABLE') throw error;
    throw cacheError(dir, 'open', error instanceof HeadstartError ? error.cause : error);
  }
}

async function checkData(dir: string, data: DataName): Promise<void> {
  try {
    const read = await readSnapshot(dataFile(dir, data), () => ({ result: undefined }));
    read?.file.close();
  } catch (error) {
    if (error instanceof DamagedFile) throw cacheDamaged(dir, error.message);
    // Whoever writes to it has looked it through.
    if (!(error instanceof BusyFile)) throw error;
  }
}
