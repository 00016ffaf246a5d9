import { spawnSync } from 'node:child_process';
import { readFile, rename, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  collectCacheGarbage,
  type FeatureCache,
  mergeCaches,
  openFeatureCache,
} from '#core/features';
import { filesOf, temporaryFolder } from './pipeline.ts';

const layout = { shape: [50, 10], dtype: 'float32' } as const;
const key = (i: number) => Buffer.concat([Buffer.alloc(16, 1), Buffer.alloc(48, i)]);
const row = (i: number) => Float32Array.from({ length: 500 }, (_, k) => i + k / 8);
const record = (i: number) => ({ key: key(i), row: row(i), ...layout });
const recordBytes = 128 + 2048;

/** Adds a pack of these records, last used so many days ago, of a process that is gone. */
async function addPack(dir: string, records: readonly number[], daysAgo = 0): Promise<string> {
  const before = new Set(await filesOf(dir, '.pack').catch(() => []));
  {
    await using cache = await openFeatureCache({ dir });
    cache.putBatch(records.map(record));
  }
  const pack = (await filesOf(dir, '.pack')).find((path) => !before.has(path)) ?? '';
  const { pid } = spawnSync(process.execPath, ['--version']);
  const name = basename(pack, '.pack').replace(`-${process.pid}-`, `-${pid}-`);
  const path = join(dirname(pack), name);
  await rename(pack.replace(/pack$/, 'idx'), `${path}.idx`);
  await rename(pack, `${path}.pack`);
  const then = Date.now() / 1000 - daysAgo * 86_400;
  await utimes(`${path}.pack`, then, then);
  return `${path}.pack`;
}

function held(cache: FeatureCache): number[] {
  const target = new Float32Array(500);
  return Array.from({ length: 100 }, (_, i) => i).filter((i) => {
    const found = cache.copy(key(i), layout, new Uint8Array(target.buffer));
    return found && target.every((x, k) => x === row(i)[k]);
  });
}

async function heldIn(dir: string): Promise<number[]> {
  await using cache = await openFeatureCache({ dir, readOnly: true });
  return held(cache);
}

const newDir = async () => join(await temporaryFolder(), 'cache');
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe('Making room in a cache', () => {
  it('takes out packs by their last use', async () => {
    const dir = await newDir();
    await addPack(dir, range(0, 4), 40);
    await addPack(dir, range(4, 8), 20);
    const dry = await collectCacheGarbage({ cacheDir: dir, olderThanDays: 30, dryRun: true });
    expect(dry).toMatchObject({ removed: 4, kept: 4 });
    expect(await heldIn(dir)).toEqual(range(0, 8));
    const done = await collectCacheGarbage({ cacheDir: dir, olderThanDays: 30 });
    expect(done).toMatchObject({ removed: 4, kept: 4, damaged: 0, shrunk: true });
    expect([done.bytesBefore, done.bytesAfter]).toEqual([dry.bytesBefore, dry.bytesAfter]);
    expect(await heldIn(dir)).toEqual(range(4, 8));
  });

  it('takes out those that were not used for longest until the rest fits', async () => {
    const dir = await newDir();
    await addPack(dir, range(0, 4), 3);
    await addPack(dir, range(4, 8), 9);
    await addPack(dir, range(8, 12), 6);
    const maxBytes = 9 * (recordBytes + 64);
    expect(await collectCacheGarbage({ cacheDir: dir, maxBytes })).toMatchObject({ removed: 4 });
    expect(await heldIn(dir)).toEqual([...range(0, 4), ...range(8, 12)]);
  });

  it('leaves what was used within a day, whatever the limits', async () => {
    const dir = await newDir();
    await addPack(dir, range(0, 4), 0.9);
    await addPack(dir, range(4, 8), 10);
    await addPack(dir, range(8, 12), 10);
    {
      await using cache = await openFeatureCache({ dir });
      cache.noteUse([key(5)]);
    }
    const limits = { olderThanDays: 0, maxBytes: 0 };
    expect(await collectCacheGarbage({ cacheDir: dir, ...limits })).toMatchObject({ removed: 4 });
    expect(await heldIn(dir)).toEqual(range(0, 8));
  });

  it('notes a use once a day', async () => {
    const dir = await newDir();
    const [today, old] = [await addPack(dir, [1], 0.5), await addPack(dir, [2], 2)];
    const before = [(await stat(today)).mtimeMs, (await stat(old)).mtimeMs];
    await using cache = await openFeatureCache({ dir });
    cache.noteUse([key(1), key(2)]);
    expect((await stat(today)).mtimeMs).toBe(before[0]);
    expect((await stat(old)).mtimeMs).toBeGreaterThan((before[1] ?? 0) + 86_400_000);
  });

  it('takes nothing from under who reads, and finds what a writer adds meanwhile', async () => {
    const dir = await newDir();
    await addPack(dir, range(0, 4), 40);
    await using reader = await openFeatureCache({ dir });
    expect(reader.has(key(0))).toBe(true);
    await using writer = await openFeatureCache({ dir });
    writer.putBatch([record(50)]);
    await collectCacheGarbage({ cacheDir: dir, olderThanDays: 30 });
    writer.putBatch([record(51)]);
    expect(held(reader)).toEqual(range(0, 4));
    expect(await heldIn(dir)).toEqual([50, 51]);
  });

  it('rewrites a pack of which less than half is of use, and keeps its last use', async () => {
    const dir = await newDir();
    const old = await addPack(dir, range(0, 10), 5);
    const bytes = await readFile(old);
    // Six of its records were damaged, and computed again by another process.
    for (let i = 0; i < 6; i++) bytes[i * recordBytes + 300]! ^= 1;
    await writeFile(old, bytes);
    const then = Date.now() / 1000 - 5 * 86_400;
    await utimes(old, then, then);
    await addPack(dir, range(0, 6), 0);
    const before = (await filesOf(dir, '.pack')).length;
    const done = await collectCacheGarbage({ cacheDir: dir });
    expect(done).toMatchObject({ damaged: 6, kept: 10, shrunk: true });
    expect(done.bytesBefore - done.bytesAfter).toBe(6 * (recordBytes + 64));
    expect(await heldIn(dir)).toEqual(range(0, 10));
    const packs = await filesOf(dir, '.pack');
    expect(packs).toHaveLength(before);
    expect(packs).not.toContain(old);
    const times = await Promise.all(packs.map(async (path) => (await stat(path)).mtimeMs));
    expect(Math.min(...times) / 1000).toBeCloseTo(then, 0);
  });

  it('joins many small packs to one', async () => {
    const dir = await newDir();
    for (let i = 0; i < 12; i++) await addPack(dir, [i]);
    expect(await collectCacheGarbage({ cacheDir: dir })).toMatchObject({ removed: 0, kept: 12 });
    expect(await filesOf(dir, '.pack')).toHaveLength(1);
    expect(await filesOf(dir, '.idx')).toHaveLength(1);
    expect(await heldIn(dir)).toEqual(range(0, 12));
  });

  it('may be done while another one does the same', async () => {
    const dir = await newDir();
    for (let i = 0; i < 12; i++) await addPack(dir, [i]);
    await Promise.all([1, 2, 3].map(() => collectCacheGarbage({ cacheDir: dir })));
    expect(await heldIn(dir)).toEqual(range(0, 12));
  });
});

describe('Merging caches', () => {
  it('links packs that are new as a whole, and copies the records of others', async () => {
    const [from, to] = [await newDir(), await newDir()];
    const whole = await addPack(from, range(0, 4));
    await addPack(from, range(4, 8));
    await addPack(to, [5, 50]);
    const merged = await mergeCaches({ cacheDir: to, from: [from] });
    expect(merged).toMatchObject({ added: 7, present: 1, damaged: 0 });
    expect(await heldIn(to)).toEqual([...range(0, 8), 50]);
    const linked = (await filesOf(to, '.pack')).find((path) => basename(path) === basename(whole));
    expect((await stat(linked ?? '')).ino).toBe((await stat(whole)).ino);
    const again = await mergeCaches({ cacheDir: to, from: [from] });
    expect(again).toMatchObject({ added: 0, present: 8 });
    // What goes from one of them stays in the other.
    await utimes(whole, 0, 0);
    await collectCacheGarbage({ cacheDir: from, olderThanDays: 1 });
    expect(await heldIn(from)).toEqual(range(4, 8));
    expect(await heldIn(to)).toEqual([...range(0, 8), 50]);
  });
});
