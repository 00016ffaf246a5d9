import { createHash } from 'node:crypto';
import { rename, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileHash } from '#core/dataset';
import { type FeatureCache, openFeatureCache, rememberingHasher } from '#core/features';
import { temporaryFolder } from './pipeline.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const hash = (result: FileHash | undefined) => (result && 'hash' in result ? result.hash : result);

let folder: string;
let cache: FeatureCache;
beforeEach(async () => {
  folder = await temporaryFolder();
  cache = await openFeatureCache({ dir: join(folder, 'cache') });
});
afterEach(() => cache.close());

/** As if ten seconds had passed since the files were written. */
const later = () => Date.now() + 10_000;

/** Hashes files; says for each its hash, and how many were not read. */
async function hashes(paths: readonly string[], options = {}) {
  let reused = 0;
  const hasher = rememberingHasher(cache, { now: later, ...options });
  const results = await hasher(paths, {
    onProgress: (progress) => {
      reused = progress.reused ?? 0;
    },
  });
  return { hashes: results.map(hash), reused };
}

async function files(...texts: string[]): Promise<string[]> {
  return Promise.all(
    texts.map(async (text, i) => {
      const path = join(folder, `${i}`);
      await writeFile(path, text);
      return path;
    }),
  );
}

describe('What the cache remembers of files', () => {
  it('spares reading them again', async () => {
    const paths = await files('one', 'two', 'three');
    const expected = ['one', 'two', 'three'].map(sha256);
    expect(await hashes(paths)).toEqual({ hashes: expected, reused: 0 });
    expect(await hashes(paths)).toEqual({ hashes: expected, reused: 3 });
  });

  it('is not asked under --rehash', async () => {
    const paths = await files('one', 'two');
    await hashes(paths);
    expect(await hashes(paths, { rehash: true })).toMatchObject({ reused: 0 });
    expect(await hashes(paths)).toMatchObject({ reused: 2 });
  });

  it('is of no use for a file of another size, time or place', async () => {
    const [a = '', b = '', c = ''] = await files('one', 'two', 'six');
    await hashes([a, b, c]);
    await writeFile(a, 'other');
    await writeFile(b, 'owt');
    const moved = `${c}-moved`;
    await rename(c, moved);
    expect(await hashes([a, b, moved])).toEqual({
      hashes: ['other', 'owt', 'six'].map(sha256),
      reused: 0,
    });
  });

  it('is of no use for a file that was changed and given its old time', async () => {
    const [path = ''] = await files('one');
    await hashes([path]);
    const { atime, mtime } = await stat(path);
    await writeFile(path, 'two');
    await utimes(path, atime, mtime);
    expect(await hashes([path])).toEqual({ hashes: [sha256('two')], reused: 0 });
  });

  it('leaves out files changed within the clock’s grain of being read', async () => {
    const paths = await files('one');
    await hashes(paths, { now: Date.now });
    expect(await hashes(paths, { now: Date.now })).toMatchObject({ reused: 0 });
  });

  it('leaves out files that cannot be read, with their reasons', async () => {
    const [empty = ''] = await files('');
    const missing = join(folder, 'missing');
    for (const _ of [1, 2]) {
      const { hashes: results, reused } = await hashes([empty, missing]);
      expect(results[0]).toEqual({ reason: 'the file is empty' });
      expect(results[1]).toMatchObject({ reason: expect.stringContaining('ENOENT') });
      expect(reused).toBe(0);
    }
  });

  it('is not believed where a bit of it is wrong', async () => {
    const paths = await files('one');
    let entry: readonly [Buffer, Buffer] | undefined;
    const store = {
      readFile: () => entry?.[1],
      writeFiles: (entries: readonly (readonly [Buffer, Buffer])[]) => {
        entry = entries[0];
      },
    };
    const hasher = rememberingHasher(store, { now: later });
    await hasher(paths, {});
    const bytes = Buffer.from((entry as readonly [Buffer, Buffer])[1]);
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] as number) ^ 4;
      entry = [Buffer.alloc(16), damaged];
      expect((await hasher(paths, {})).map(hash)).toEqual([sha256('one')]);
    }
  });
});
