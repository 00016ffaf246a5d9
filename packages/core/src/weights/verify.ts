import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { statRegularFile } from '../base/regular-file.ts';

const algorithms = ['md5', 'sha256', 'gitBlob'] as const;
type Algorithm = (typeof algorithms)[number];

/** What is known of a file; what is not known is not checked. */
export interface Expected {
  readonly bytes?: number | undefined;
  readonly md5?: string | undefined;
  readonly sha256?: string | undefined;
  /** SHA-1 as git has it of the file. */
  readonly gitBlob?: string | undefined;
}

/** @throws Error saying what differs */
export async function verifyFile(path: string, expected: Expected): Promise<void> {
  const { size } = await statRegularFile(path);
  if (expected.bytes !== undefined && size !== expected.bytes) {
    throw new Error(`it has ${size} bytes, not ${expected.bytes}`);
  }
  for (const algorithm of algorithms) {
    const wanted = expected[algorithm];
    if (wanted === undefined) continue;
    const found = await digestOf(path, algorithm);
    if (found !== wanted) throw new Error(`its ${algorithm} is ${found}, not ${wanted}`);
  }
}

/** The digest of a file's bytes, in hex. */
export async function digestOf(path: string, algorithm: Algorithm): Promise<string> {
  const { size } = await statRegularFile(path);
  const hash = createHash(algorithm === 'gitBlob' ? 'sha1' : algorithm);
  if (algorithm === 'gitBlob') hash.update(`blob ${size}\0`);
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}
