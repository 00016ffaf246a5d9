import {
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { isRegularFileSync } from '../base/regular-file.ts';
import { mayBeAlive, newWriterName, type Writer, writerOf } from './pack-writer.ts';

/** A claim whose owner has not been heard of for so long is free again. */
const claimMs = 5 * 60_000;
const aliveEveryMs = 30_000;

/** What became of a claim: the record is ours to compute, others are at it, or it is there. */
export type Claim = 'ours' | 'theirs' | 'there';

/**
 * Who computes what, where several processes fill one cache: a file under the name of what is claimed,
 * made exclusively, with the name of its owner in it. All claims of an owner are links to one file,
 * whose time shows that the owner is there. A claim ends when the owner gives it up, with the owner's
 * process, or after five minutes without a sign of it: then another one takes it over. Should two owners
 * compute the same after all, either result is right.
 */
export class Claims {
  readonly #folder: string;
  readonly #owner = newWriterName();
  readonly #own = new Set<string>();
  #seenAt = 0;

  constructor(folder: string) {
    this.#folder = join(folder, 'claims');
  }

  /** Whether it was free, or its owner is gone, and is now ours. */
  take(key: Buffer): boolean {
    this.#showAlive();
    const name = nameOf(key);
    if (this.#own.has(name)) return true;
    const path = join(this.#folder, name);
    for (let attempt = 0; attempt < 3; attempt++) {
      if (this.#make(path)) {
        this.#own.add(name);
        return true;
      }
      if (this.#isHeld(path)) return false;
      rmSync(path, { force: true });
    }
    return false;
  }

  /** Who has claimed it; undefined where nobody has any more. */
  owner(key: Buffer): Writer | undefined {
    const path = join(this.#folder, nameOf(key));
    try {
      return isRegularFileSync(path) ? writerOf(readFileSync(path, 'latin1')) : undefined;
    } catch {
      return undefined;
    }
  }

  release(key: Buffer): void {
    const name = nameOf(key);
    if (this.#own.delete(name)) rmSync(join(this.#folder, name), { force: true });
  }

  close(): void {
    for (const name of this.#own) rmSync(join(this.#folder, name), { force: true });
    this.#own.clear();
    if (this.#seenAt > 0) rmSync(this.#ownerFile, { force: true });
  }

  get #ownerFile(): string {
    return join(this.#folder, `${this.#owner}.owner`);
  }

  #showAlive(): void {
    const now = Date.now();
    if (now - this.#seenAt < aliveEveryMs) return;
    if (this.#seenAt === 0) {
      mkdirSync(this.#folder, { recursive: true });
      writeFileSync(this.#ownerFile, this.#owner);
    } else {
      const seconds = now / 1000;
      utimesSync(this.#ownerFile, seconds, seconds);
    }
    this.#seenAt = now;
  }

  /** Makes a claim exclusively: false where there is one. */
  #make(path: string): boolean {
    try {
      linkSync(this.#ownerFile, path);
      return true;
    } catch (error) {
      if (systemCode(error) === 'EEXIST') return false;
    }
    try {
      // Some file systems have no links.
      writeFileSync(path, this.#owner, { flag: 'wx' });
      return true;
    } catch (error) {
      if (systemCode(error) === 'EEXIST') return false;
      throw error;
    }
  }

  #isHeld(path: string): boolean {
    try {
      // By the clock of the file system, which both owners' files have.
      const claim = statSync(path);
      const age = statSync(this.#ownerFile).mtimeMs - claim.mtimeMs;
      // A pipe of that name is not a claim, and reading it might never end.
      return claim.isFile() && age < claimMs && mayBeAlive(readFileSync(path, 'latin1'));
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return false;
      throw error;
    }
  }
}

/** Content and view, without the extractor, which the folder stands for. */
function nameOf(key: Buffer): string {
  return key.toString('hex', 16);
}
