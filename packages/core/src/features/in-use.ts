import { isHeld } from './claims.ts';
import type { Environment } from './environment.ts';
import { tagOf, tagsOf } from './uses.ts';

/**
 * What running commands count on: they found these records, and read them until they close the
 * cache. Among the claims, under the key of an entry of uses (16 bytes) and the claimant's token (8).
 */
const useKeyBytes = 16;
const tokenBytes = 8;

/** The key under which a claimant says that it reads the records of an entry of uses. */
export function readingKey(useKey: Buffer, token: Buffer): Buffer {
  return Buffer.concat([useKey, token], useKeyBytes + tokenBytes);
}

/** The entry of uses that a key of {@link readingKey} names; undefined for other keys. */
export function useKeyOf(key: Buffer): Buffer | undefined {
  return key.length === useKeyBytes + tokenBytes ? key.subarray(0, useKeyBytes) : undefined;
}

/** Records by their tags. */
export class RecordsInUse {
  readonly #tags = new Set<number>();

  /** @param use an entry of uses */
  add(use: Buffer): void {
    for (const tag of tagsOf(use)) this.#tags.add(tag);
  }

  has(key: Buffer): boolean {
    return this.#tags.size > 0 && this.#tags.has(tagOf(key));
  }
}

/** What somebody says now that they read. */
export function recordsInUse({ claims, uses }: Environment): RecordsInUse {
  const inUse = new RecordsInUse();
  const now = Date.now();
  for (const { key, value } of claims.getRange()) {
    const useKey = useKeyOf(Buffer.from(key));
    const use = useKey && isHeld(value, now) && uses.get(useKey);
    if (use) inUse.add(use);
  }
  return inUse;
}
