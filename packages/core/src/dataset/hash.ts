import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { reasonOf } from '../base/errors.ts';
import type { LongOperationOptions } from '../base/operation.ts';

/** Files being read at once. */
const parallelFiles = 8;

const bufferBytes = 256 * 1024;

/** A file's hash, or why it has none. */
export type FileHash = { readonly hash: string } | { readonly reason: string };

/** Hashes files: for each, in the order given, its hash or the reason why it cannot be read. */
export type FileHasher = (
  paths: readonly string[],
  options: LongOperationOptions,
) => Promise<FileHash[]>;

export interface HashingOptions extends LongOperationOptions {
  /** What hashes the files; default: each is read. */
  readonly hashFiles?: FileHasher | undefined;
}

/**
 * SHA-256 of files, in the order given; files are streamed, so their size does not matter.
 *
 * @returns for each file its hash in hexadecimal, or the reason why it cannot be read
 */
export async function hashFiles(
  paths: readonly string[],
  { signal, onProgress }: LongOperationOptions,
): Promise<FileHash[]> {
  const results = new Array<FileHash>(paths.length);
  let next = 0;
  let done = 0;
  const report = () => onProgress?.({ stage: 'hashing', done, total: paths.length, unit: 'files' });
  const work = async () => {
    const buffer = Buffer.allocUnsafe(bufferBytes);
    while (next < paths.length) {
      signal?.throwIfAborted();
      const index = next++;
      results[index] = await hashFile(paths[index] as string, buffer, signal);
      done++;
      report();
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallelFiles, paths.length) }, work));
  return results;
}

async function hashFile(
  path: string,
  buffer: Buffer,
  signal: AbortSignal | undefined,
): Promise<FileHash> {
  const hash = createHash('sha256');
  let size = 0;
  try {
    await using file = await open(path, 'r');
    for (;;) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) break;
      size += bytesRead;
      hash.update(buffer.subarray(0, bytesRead));
    }
  } catch (error) {
    signal?.throwIfAborted();
    return { reason: `it cannot be read (${reasonOf(error)})` };
  }
  return size === 0 ? { reason: 'the file is empty' } : { hash: hash.digest('hex') };
}
