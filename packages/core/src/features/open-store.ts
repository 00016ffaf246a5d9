import { access, constants } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HeadstartError, systemCode } from '../base/errors.ts';
import type { FeatureCache } from './cache.ts';
import { cacheError } from './cache-error.ts';
import type { Claim } from './claims.ts';
import { dataFile, readDataName } from './folder.ts';
import type { ExtractorId } from './key.ts';
import { openFeatureCache } from './open-cache.ts';
import type { RecordLayout } from './record.ts';
import { type FeatureSnapshot, openFeatureSnapshot } from './snapshot.ts';
import type { CacheRecord, FeatureStore } from './store.ts';

export interface StoreOptions {
  /** Folder of the cache; made where it is missing. */
  readonly dir: string;
  /** The cache that takes what `dir` lacks, where that cannot be written. */
  readonly overlayDir: string;
  /** Called where `dir` is only read. */
  readonly onReadOnly?: ((dir: string, overlay: string | undefined) => void) | undefined;
}

/**
 * Opens the cache of a folder, or, where that is a cache that cannot be written, what it holds with
 * a cache of one's own before it.
 *
 * @throws HeadstartError `CACHE_UNUSABLE`
 */
export async function openFeatureStore(options: StoreOptions): Promise<FeatureStore> {
  const { dir, overlayDir, onReadOnly } = options;
  if (!(await isReadOnlyCache(dir))) return openFeatureCache({ dir });
  const shared = await openFeatureSnapshot(dir);
  try {
    const own = overlayDir === dir ? undefined : await openOwn(overlayDir);
    onReadOnly?.(dir, own?.dir);
    return new OverlaidCache(shared, own);
  } catch (error) {
    shared.close();
    throw error;
  }
}

async function openOwn(dir: string): Promise<FeatureCache | undefined> {
  if (await isReadOnlyCache(dir)) return undefined;
  return openFeatureCache({ dir }).catch((error: unknown) => {
    if (error instanceof HeadstartError && error.code === 'CACHE_UNUSABLE') return undefined;
    throw error;
  });
}

/** True for what is a cache, or looks like one, but cannot be written. */
async function isReadOnlyCache(dir: string): Promise<boolean> {
  try {
    const data = readDataName(dir);
    if (data === undefined) return false;
    const file = dataFile(dir, data);
    for (const path of [dir, dirname(file), file]) await access(path, constants.W_OK);
    return false;
  } catch (error) {
    return ['EACCES', 'EROFS', 'EPERM'].includes(systemCode(error) ?? '');
  }
}

/** A cache that is only read, and one before it that takes what is new, where there is one. */
class OverlaidCache implements FeatureStore {
  readonly dir: string;
  readonly #shared: FeatureSnapshot;
  readonly #own: FeatureCache | undefined;

  constructor(shared: FeatureSnapshot, own: FeatureCache | undefined) {
    this.dir = shared.dir;
    this.#shared = shared;
    this.#own = own;
  }

  has(key: Buffer): boolean {
    return this.#own?.has(key) || this.#shared.has(key);
  }

  holds(key: Buffer, layout: RecordLayout): boolean {
    return this.#own?.holds(key, layout) || this.#shared.holds(key, layout);
  }

  copy(key: Buffer, layout: RecordLayout, target: Uint8Array): boolean {
    return this.#own?.copy(key, layout, target) || this.#shared.copy(key, layout, target);
  }

  putBatch(records: readonly CacheRecord[]): void {
    this.#writable().putBatch(records);
  }

  claim(keys: readonly Buffer[], layout: RecordLayout): Claim[] {
    const claims = this.#writable().claim(keys, layout);
    return claims.map((claim, i) =>
      claim === 'there' || !this.#shared.holds(keys[i] as Buffer, layout) ? claim : 'there',
    );
  }

  release(keys: readonly Buffer[]): void {
    this.#own?.release(keys);
  }

  describeExtractor(extractor: ExtractorId): void {
    this.#writable().describeExtractor(extractor);
  }

  noteUse(keys: readonly Buffer[]): void {
    this.#own?.noteUse(keys.filter((key) => this.#own?.has(key)));
  }

  readFile(key: Buffer): Buffer | undefined {
    return this.#own?.readFile(key);
  }

  writeFiles(files: readonly (readonly [key: Buffer, value: Buffer])[]): void {
    this.#own?.writeFiles(files);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#shared.close();
    await this.#own?.close();
  }

  #writable(): FeatureCache {
    if (this.#own) return this.#own;
    throw cacheError(
      this.dir,
      'write',
      'it is read-only, and does not hold all features that are needed',
    );
  }
}
