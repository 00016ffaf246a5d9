import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { statRegularFile } from '../base/regular-file.ts';

/** What is known of a file; what is not known is not checked. */
export interface Expected {
  readonly bytes?: number | undefined;
  readonly md5?: string | undefined;
  readonly sha256?: string | undefined;
}

/** @throws Error saying what differs */
export async function verifyFile(path: string, expected: Expected): Promise<void> {
  const { size } = await statRegularFile(path);
  if (expected.bytes !== undefined && size !== expected.bytes) {
    throw new Error(`it has ${size} bytes, not ${expected.bytes}`);
  }
  for (const algorithm of ['md5', 'sha256'] as const) {
    const wanted = expected[algorithm];
    if (wanted === undefined) continue;
    const found = await digestOf(path, algorithm);
    if (found !== wanted) throw new Error(`its ${algorithm} is ${found}, not ${wanted}`);
  }
}

/** The digest of a file's bytes, in hex. */
export async function digestOf(path: string, algorithm: 'md5' | 'sha256'): Promise<string> {
  await statRegularFile(path);
  const hash = createHash(algorithm);
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}
