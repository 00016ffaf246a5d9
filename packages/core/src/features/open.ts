import { defaultDirectories, personalCacheDir } from '../base/directories.ts';
import { HeadstartError } from '../base/errors.ts';
import type { NoticeListener } from '../base/operation.ts';
import { type FileHasher, hashFiles, type ScanOptions, scanOptionsOf } from '../dataset/index.ts';
import { rememberingHasher } from './file-memo.ts';
import { openFeatureStore } from './open-store.ts';
import type { FeatureStore } from './store.ts';

export interface FeatureStoreOptions {
  /** Default: the user's cache folder. */
  readonly cacheDir?: string | undefined;
  readonly onNotice?: NoticeListener | undefined;
  /** Whether other processes may compute the same features at the same time. Default true. */
  readonly claims?: boolean | undefined;
}

export interface HashingCacheOptions extends FeatureStoreOptions {
  /** Read every file, also those that look as they did when they were read before. Default false. */
  readonly rehash?: boolean | undefined;
}

/**
 * Opens the feature cache. One that cannot be written is read, and what is missing goes to the
 * user's own.
 *
 * @throws HeadstartError `CACHE_UNUSABLE`
 */
export function openStore({
  cacheDir,
  claims,
  onNotice,
}: FeatureStoreOptions): Promise<FeatureStore> {
  return openFeatureStore({
    dir: cacheDir ?? defaultDirectories().cacheDir,
    overlayDir: personalCacheDir(),
    claims,
    onReadOnly: (dir, overlay) => {
      const where = overlay
        ? `missing features are kept in ${overlay}`
        : 'missing features are an error';
      onNotice?.({ level: 'info', text: `The feature cache ${dir} is only read; ${where}` });
    },
  });
}

/**
 * Hashes files by what the cache remembers of them. A cache that cannot be used is no reason not to
 * look at a folder: all files are read then.
 *
 * @example
 * ```ts
 * const { train } = await scanDataset('fruit', { hashFiles: cachedHasher({}) });
 * ```
 */
export function cachedHasher({ cacheDir, rehash, onNotice }: HashingCacheOptions): FileHasher {
  return async (paths, options) => {
    const store = await openStore({ cacheDir }).catch((error: unknown) => {
      if (error instanceof HeadstartError && error.code === 'CACHE_UNUSABLE') return undefined;
      throw error;
    });
    if (!store) return hashFiles(paths, options);
    await using _ = store;
    return await rememberingHasher(store, { rehash, onNotice })(paths, options);
  };
}

/** How to scan a folder, by the options of a job, with what the cache remembers. */
export function cachedScan(options: ScanOptions & HashingCacheOptions): ScanOptions {
  return { ...scanOptionsOf(options), hashFiles: cachedHasher(options) };
}
