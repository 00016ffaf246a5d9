import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type FeatureCache, openFeatureCache } from '#core/features';
import { filesOf, temporaryFolder } from './pipeline.ts';

const layout = { shape: [2, 1, 3], dtype: 'float32' } as const;
const key = (i: number) => Buffer.alloc(64, i).fill(9, 0, 16);
const row = (i: number) => Float32Array.from({ length: 6 }, (_, k) => i + k / 8);
const record = (i: number) => ({ key: key(i), row: row(i), ...layout });

function read(cache: FeatureCache, i: number): Float32Array | undefined {
  const target = new Float32Array(6);
  return cache.copy(key(i), layout, new Uint8Array(target.buffer)) ? target : undefined;
}

describe('The feature cache', () => {
  it('gives back what was put into it, also after it was closed and opened', async () => {
    const dir = join(await temporaryFolder(), 'made', 'on demand');
    {
      await using cache = await openFeatureCache({ dir });
      cache.putBatch([record(1), record(2)]);
      expect(read(cache, 1)).toEqual(row(1));
    }
    await using cache = await openFeatureCache({ dir });
    expect(read(cache, 2)).toEqual(row(2));
    expect(read(cache, 3)).toBeUndefined();
    expect(cache.has(key(2))).toBe(true);
    expect(cache.has(key(3))).toBe(false);
    expect(cache.size).toBe(2);
  });

  it('remembers files, the latest of each, however many times they were added', async () => {
    const dir = await temporaryFolder();
    const [path, value] = [(i: number) => Buffer.alloc(16, i), (i: number) => Buffer.alloc(76, i)];
    for (let i = 0; i < 40; i++) {
      await using cache = await openFeatureCache({ dir });
      cache.writeFiles([
        [path(i % 30), value(i)],
        [path(100), value(i)],
      ]);
    }
    await using cache = await openFeatureCache({ dir });
    for (let i = 10; i < 40; i++) expect(cache.readFile(path(i % 30))).toEqual(value(i));
    expect(cache.readFile(path(100))).toEqual(value(39));
    expect(cache.readFile(path(101))).toBeUndefined();
    expect((await filesOf(dir, '.files')).length).toBeLessThan(10);
  });

  it('does not give a record to who expects another shape or type', async () => {
    await using cache = await openFeatureCache({ dir: await temporaryFolder() });
    cache.putBatch([record(1)]);
    expect(cache.holds(key(1), layout)).toBe(true);
    expect(cache.holds(key(1), { shape: [6], dtype: 'float32' })).toBe(false);
    expect(cache.holds(key(1), { shape: [1, 2, 3], dtype: 'float32' })).toBe(false);
    expect(cache.holds(key(1), { shape: [2, 2, 3], dtype: 'float16' })).toBe(false);
  });

  it('grows by itself', async () => {
    await using cache = await openFeatureCache({ dir: await temporaryFolder() });
    const shape = [7, 7, 512];
    const big = new Uint16Array(7 * 7 * 512).fill(3);
    for (let i = 0; i < 40; i++) {
      const batch = Array.from({ length: 10 }, (_, k) => {
        const own = key(i);
        own[63] = k;
        return { key: own, shape, dtype: 'float16' as const, row: big };
      });
      cache.putBatch(batch);
    }
    expect(cache.size).toBe(400);
  });

  it('is shared by several that have it open', async () => {
    const dir = await temporaryFolder();
    await using writer = await openFeatureCache({ dir });
    writer.putBatch([record(1)]);
    await using other = await openFeatureCache({ dir });
    expect(read(other, 1)).toEqual(row(1));
    other.putBatch([record(2)]);
    expect(read(writer, 2)).toEqual(row(2));
  });

  it('leaves a whole record as it is, and replaces a damaged one', async () => {
    const dir = await temporaryFolder();
    {
      await using cache = await openFeatureCache({ dir });
      cache.putBatch([record(1), { ...record(2), row: row(7) }]);
      cache.putBatch([record(2)]);
      expect(read(cache, 2)).toEqual(row(7));
    }
    const [file = ''] = await filesOf(dir, '.pack');
    const bytes = await readFile(file);
    const at = bytes.indexOf(Buffer.from(row(1).buffer));
    bytes[at] = (bytes[at] as number) ^ 1;
    await writeFile(file, bytes);
    await using cache = await openFeatureCache({ dir });
    expect(read(cache, 1)).toBeUndefined();
    cache.putBatch([record(1)]);
    expect(read(cache, 1)).toEqual(row(1));
  });

  it('says in one sentence that its folder cannot be made', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), 'x');
    const dir = join(folder, 'file', 'cache');
    await expect(openFeatureCache({ dir })).rejects.toMatchObject({
      code: 'CACHE_UNUSABLE',
      message: expect.stringContaining(
        `The feature cache cannot be in ${dir}: it is a file, or its path leads`,
      ),
    });
  });

  it('is not made by who only looks at it', async () => {
    const dir = await temporaryFolder();
    await expect(openFeatureCache({ dir, readOnly: true })).rejects.toMatchObject({
      code: 'CACHE_UNUSABLE',
      message: `There is no feature cache in ${dir}.`,
    });
    expect(await readdir(dir)).toEqual([]);
  });

  it('never takes a damaged record for a whole one', async () => {
    const dir = await temporaryFolder();
    {
      await using cache = await openFeatureCache({ dir });
      cache.putBatch([record(1)]);
    }
    const [file = ''] = await filesOf(dir, '.pack');
    const bytes = await readFile(file);
    const fields = [...Array(92).keys()].filter((at) => at !== 75);
    for (const at of [...fields, ...Array.from({ length: 24 }, (_, i) => 128 + i)]) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] as number) ^ (1 << (at % 8));
      await writeFile(file, damaged);
      await using cache = await openFeatureCache({ dir });
      expect(cache.has(key(1))).toBe(true);
      expect(cache.holds(key(1), layout), `byte ${at}`).toBe(false);
    }
  });
});
