import { appendFile, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type FeatureCache, openFeatureCache } from '#core/features';
import { filesOf, temporaryFolder } from './pipeline.ts';

const layout = { shape: [5, 10], dtype: 'float32' } as const;
const key = (i: number) => Buffer.concat([Buffer.alloc(16, 1), Buffer.alloc(48, i)]);
const row = (i: number) => Float32Array.from({ length: 50 }, (_, k) => i + k / 8);
const record = (i: number) => ({ key: key(i), row: row(i), ...layout });
const recordBytes = 128 + 256;

function held(cache: FeatureCache): number[] {
  const target = new Float32Array(50);
  return Array.from({ length: 20 }, (_, i) => i).filter((i) => {
    const found = cache.copy(key(i), layout, new Uint8Array(target.buffer));
    return found && target.every((x, k) => x === row(i)[k]);
  });
}

async function cacheOf(count: number) {
  const dir = join(await temporaryFolder(), 'cache');
  await using cache = await openFeatureCache({ dir });
  cache.putBatch(Array.from({ length: count }, (_, i) => record(i)));
  await cache.close();
  const [[pack = ''], [index = '']] = [await filesOf(dir, '.pack'), await filesOf(dir, '.idx')];
  return { dir, pack, index };
}

async function heldIn(dir: string): Promise<number[]> {
  await using cache = await openFeatureCache({ dir });
  return held(cache);
}

const upTo = (end: number) => Array.from({ length: end }, (_, i) => i);

describe('A pack', () => {
  it('without an index is read through', async () => {
    const { dir, index } = await cacheOf(5);
    await rm(index);
    expect(await heldIn(dir)).toEqual(upTo(5));
  });

  it('that is longer than its index is read through from there', async () => {
    const { dir, index } = await cacheOf(5);
    await truncate(index, 2 * 64 + 30);
    expect(await heldIn(dir)).toEqual(upTo(5));
  });

  it('ends with its first bad record where it is read through', async () => {
    const { dir, pack, index } = await cacheOf(5);
    await truncate(index, 64);
    const bytes = await readFile(pack);
    bytes[3 * recordBytes + 200]! ^= 1;
    await writeFile(pack, bytes);
    expect(await heldIn(dir)).toEqual(upTo(3));
  });

  it('ends with its last whole record where it was cut off', async () => {
    const { dir, pack, index } = await cacheOf(5);
    await truncate(pack, 4 * recordBytes - 1);
    expect(await heldIn(dir)).toEqual(upTo(3));
    await rm(index);
    expect(await heldIn(dir)).toEqual(upTo(3));
  });

  it('has other records behind what a failing disk left: zeros, and garbage', async () => {
    const { dir, pack, index } = await cacheOf(5);
    await appendFile(pack, Buffer.alloc(1000));
    await appendFile(index, Buffer.alloc(128));
    await appendFile(index, Buffer.alloc(64, 7));
    {
      await using cache = await openFeatureCache({ dir });
      cache.putBatch([record(5)]);
    }
    expect(await heldIn(dir)).toEqual(upTo(6));
  });

  it('loses one record alone where an entry of its index is damaged', async () => {
    const { dir, index } = await cacheOf(5);
    const bytes = await readFile(index);
    for (let at = 64; at < 128; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 1 << (at % 8);
      await writeFile(index, damaged);
      expect(await heldIn(dir), `byte ${at}`).toEqual([0, 2, 3, 4]);
    }
  });

  it('is written by one process alone: each that opens the cache begins its own', async () => {
    const { dir } = await cacheOf(2);
    {
      await using one = await openFeatureCache({ dir });
      await using two = await openFeatureCache({ dir });
      one.putBatch([record(2)]);
      two.putBatch([record(3)]);
      one.putBatch([record(4)]);
      expect([held(one), held(two)]).toEqual([upTo(5), upTo(5)]);
    }
    expect(await filesOf(dir, '.pack')).toHaveLength(3);
    expect(await heldIn(dir)).toEqual(upTo(5));
  });

  it('takes less than 100 bytes of memory a record, and keeps to what it holds', async () => {
    const dir = join(await temporaryFolder(), 'cache');
    const count = 40_000;
    const tiny = { shape: [1], dtype: 'float16' } as const;
    const keyOf = (i: number) => {
      const own = Buffer.alloc(64, 3);
      own.writeUInt32LE(Math.imul(i, 0x9e3779b1) >>> 0, 16);
      own.writeUInt32LE(i, 20);
      return own;
    };
    {
      await using cache = await openFeatureCache({ dir });
      const some = (first: number) =>
        Array.from({ length: 1000 }, (_, k) => ({
          ...tiny,
          key: keyOf(first + k),
          row: new Uint16Array([(first + k) % 60_000]),
        }));
      for (let first = 0; first < count; first += 1000) cache.putBatch(some(first));
    }
    await using cache = await openFeatureCache({ dir, readOnly: true });
    const target = new Uint16Array(1);
    for (let i = 0; i < count; i++) {
      expect(cache.copy(keyOf(i), tiny, new Uint8Array(target.buffer))).toBe(true);
      expect(target[0]).toBe(i % 60_000);
    }
    expect(cache.has(keyOf(count))).toBe(false);
    expect((cache.folders()[0]?.table.bytes ?? Infinity) / count).toBeLessThan(100);
  });
});
