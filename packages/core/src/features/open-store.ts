import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { type FeatureCache, openFeatureCache, packsFolder } from './cache.ts';
import { cacheError, isUnusable } from './cache-error.ts';
import type { Claim } from './claims.ts';
import type { ExtractorId } from './key.ts';
import type { CacheRecord, RecordLayout } from './record.ts';
import type { FeatureStore } from './store.ts';

export interface StoreOptions {
  /** Folder of the cache; made where it is missing. */
  readonly dir: string;
  /** The cache for what is missing in `dir`, where that cannot be written. */
  readonly overlayDir: string | undefined;
  /** As of `openFeatureCache`. */
  readonly claims?: boolean | undefined;
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
  const { dir, overlayDir, claims, onReadOnly } = options;
  if (!(await isReadOnlyCache(dir))) return openFeatureCache({ dir, claims });
  const shared = await openFeatureCache({ dir, readOnly: true });
  const own = overlayDir === dir ? undefined : await openOwn(overlayDir, claims);
  onReadOnly?.(dir, own?.dir);
  return new OverlaidCache(shared, own);
}

async function openOwn(
  dir: string | undefined,
  claims: boolean | undefined,
): Promise<FeatureCache | undefined> {
  if (dir === undefined || (await isReadOnlyCache(dir))) return undefined;
  return openFeatureCache({ dir, claims }).catch((error: unknown) => {
    if (isUnusable(error)) return undefined;
    throw error;
  });
}

/** True for what is a cache but cannot be written. */
async function isReadOnlyCache(dir: string): Promise<boolean> {
  try {
    await access(join(dir, packsFolder), constants.W_OK);
    return false;
  } catch (error) {
    return ['EACCES', 'EROFS', 'EPERM'].includes(systemCode(error) ?? '');
  }
}

/** A cache that is only read, and one before it that takes what is new, where there is one. */
class OverlaidCache implements FeatureStore {
  readonly dir: string;
  readonly #shared: FeatureCache;
  readonly #own: FeatureCache | undefined;

  constructor(shared: FeatureCache, own: FeatureCache | undefined) {
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

  async read(
    keys: readonly Buffer[],
    layout: RecordLayout,
    target?: Uint8Array,
  ): Promise<Uint8Array> {
    const right = await this.#shared.read(keys, layout, target);
    const size = (target?.length ?? 0) / keys.length;
    keys.forEach((key, row) => {
      if (right[row] || !this.#own?.has(key)) return;
      const own = target?.subarray(row * size, (row + 1) * size);
      right[row] = Number(own ? this.#own.copy(key, layout, own) : this.#own.holds(key, layout));
    });
    return right;
  }

  putBatch(records: readonly CacheRecord[]): void {
    this.#writable().putBatch(records);
  }

  putEncoded(records: Buffer): void {
    this.#writable().putEncoded(records);
  }

  claim(keys: readonly Buffer[], layout: RecordLayout): Claim[] {
    const claims = this.#writable().claim(keys, layout);
    return claims.map((claim, i) =>
      claim === 'there' || !this.#shared.holds(keys[i] as Buffer, layout) ? claim : 'there',
    );
  }

  claimant(key: Buffer): ReturnType<FeatureStore['claimant']> {
    return this.#own?.claimant(key);
  }

  release(keys: readonly Buffer[]): void {
    this.#own?.release(keys);
  }

  describeExtractor(extractor: ExtractorId): void {
    this.#writable().describeExtractor(extractor);
  }

  noteUse(keys: Iterable<Buffer>): void {
    this.#own?.noteUse(keys);
  }

  readFile(key: Buffer): Buffer | undefined {
    return this.#own?.readFile(key) ?? this.#shared.readFile(key);
  }

  writeFiles(files: readonly (readonly [key: Buffer, value: Buffer])[]): void {
    this.#own?.writeFiles(files);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#shared.close();
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
