import { existsSync } from 'node:fs';
import { cp, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { collectCacheGarbage, exportCache, HeadstartError, importCache } from '@headstart/core';
import {
  openFeatureCache,
  openFeatureSnapshot,
  remakeCache,
  repairCache,
} from '@headstart/core/features';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from './pipeline.ts';
import { cacheOf, held, key, numbers, record, row, today, usedOn } from './records.ts';

/** All records as they lie there, under their keys. */
async function bytesOf(dir: string): Promise<string[]> {
  using snapshot = await openFeatureSnapshot(dir);
  return numbers(snapshot.size).map((i) => {
    const { key, record } = snapshot.record(i);
    return `${key.toString('hex')} ${record.toString('hex')}`;
  });
}

/** Flips a bit in the numbers of a record. */
async function damageRecord(dir: string, i: number): Promise<void> {
  const bytes = await readFile(join(dir, 'data.mdb'));
  const place = bytes.indexOf(Buffer.from(row(i).buffer));
  bytes[place] = (bytes[place] as number) ^ 0x10;
  await writeFile(join(dir, 'data.mdb'), bytes);
}

describe('Making room in a cache', () => {
  it('takes out what was last used too long ago; what is not known to be used is new', async () => {
    const dir = await cacheOf(6, (cache) => {
      usedOn(today - 40, 0, 1, 2)(cache);
      usedOn(today - 10, 2, 3)(cache);
    });
    expect(await collectCacheGarbage({ cacheDir: dir, olderThanDays: 30 })).toMatchObject({
      removed: 2,
      kept: 4,
      damaged: 0,
    });
    expect(await held(dir)).toEqual([2, 3, 4, 5]);
    // The days are still known after it.
    await collectCacheGarbage({ cacheDir: dir, olderThanDays: 5 });
    expect(await held(dir)).toEqual([4, 5]);
  });

  it('takes out what was not used for longest, until the rest fits', async () => {
    const dir = await cacheOf(6, (cache) => {
      for (const i of numbers(6)) usedOn(today - i, i)(cache);
    });
    const found = await collectCacheGarbage({ cacheDir: dir, maxBytes: 3 * 4500 });
    expect(found).toMatchObject({ removed: 3, kept: 3 });
    expect(await held(dir)).toEqual([0, 1, 2]);
  });

  it('gives the room back to the disk', async () => {
    const dir = await cacheOf(200, (cache) => usedOn(today - 40, ...numbers(190))(cache));
    const { bytes_before: before, bytes_after: after } = await collectCacheGarbage({
      cacheDir: dir,
      olderThanDays: 30,
    });
    expect(after).toBeLessThan(before / 4);
    const data = (await readdir(dir)).filter((name) => name !== 'format.json');
    expect(data).toEqual(['data-1']);
    expect((await stat(join(dir, 'data-1', 'data.mdb'))).size).toBe(after);
  });

  it('takes out what is damaged, also where no room is to be given back', async () => {
    const dir = await cacheOf(6);
    await damageRecord(dir, 3);
    expect(await collectCacheGarbage({ cacheDir: dir })).toMatchObject({ damaged: 1, kept: 5 });
    expect(await held(dir)).toEqual([0, 1, 2, 4, 5]);
    expect((await bytesOf(dir)).length).toBe(5);
  });

  it('only says what would go in a dry run', async () => {
    const dir = await cacheOf(3, usedOn(today - 40, 0, 1));
    const options = { cacheDir: dir, olderThanDays: 30, dryRun: true };
    expect(await collectCacheGarbage(options)).toMatchObject({ removed: 2, kept: 1 });
    expect(await held(dir)).toEqual([0, 1, 2]);
  });

  it('goes on beside a process that has the cache open: what that writes later is there', async () => {
    const dir = await cacheOf(3, usedOn(today - 40, 0));
    await using other = await openFeatureCache({ dir });
    await collectCacheGarbage({ cacheDir: dir, olderThanDays: 30 });
    other.putBatch([record(7)]);
    expect(other.holds(key(7), record(7))).toBe(true);
    expect(await held(dir)).toEqual([1, 2, 7]);
    expect(existsSync(join(dir, 'data.mdb'))).toBe(false);
  });

  it('takes along what others write while it copies', async () => {
    const dir = await cacheOf(3, usedOn(today - 40, 0));
    await using other = await openFeatureCache({ dir });
    await remakeCache({
      dir,
      choose: ({ size }) => Uint8Array.from({ length: size }, (_, i) => Number(i > 0)),
      onProgress: () => other.putBatch([record(9)]),
    });
    expect(await held(dir)).toEqual([1, 2, 9]);
  });

  it('leaves the cache as it was when it is aborted', async () => {
    const dir = await cacheOf(3, usedOn(today - 40, 0));
    const abort = new AbortController();
    const reason = new Error('enough');
    const running = collectCacheGarbage({
      cacheDir: dir,
      olderThanDays: 30,
      signal: abort.signal,
      onProgress: () => abort.abort(reason),
    });
    // One batch holds all records: the abort is noticed at the next.
    await Promise.allSettled([running]);
    expect((await held(dir)).slice(-2)).toEqual([1, 2]);
  });

  it('takes along what others compute anew of damaged records while it copies', async () => {
    const dir = await cacheOf(6);
    await damageRecord(dir, 3);
    await using other = await openFeatureCache({ dir });
    const remade = await remakeCache({
      dir,
      choose: ({ size }) => new Uint8Array(size).fill(1),
      onProgress: ({ stage }) => {
        if (stage === 'copying') other.putBatch([record(3)]);
      },
    });
    expect(remade).toMatchObject({ kept: 6, removed: 0, damaged: 0 });
    expect(await held(dir)).toEqual(numbers(6));
  });

  it('without room for a second file takes out what goes and what is damaged', async () => {
    const dir = await cacheOf(6);
    await damageRecord(dir, 3);
    await using cache = await openFeatureCache({ dir });
    const gone = cache.removeRecords(numbers(6).map(key), (i) => i === 0);
    expect(gone).toEqual({ removed: 1, damaged: 1 });
    expect(await held(dir)).toEqual([1, 2, 4, 5]);
  });

  it('is refused while another process does it, in one sentence', async () => {
    const dir = await cacheOf(1);
    const holder = { pid: process.ppid, host: hostname() };
    await writeFile(join(dir, 'remaking.lock'), JSON.stringify(holder));
    const refusal: HeadstartError = await collectCacheGarbage({ cacheDir: dir, maxBytes: 0 }).then(
      () => expect.fail('it was done'),
      (error) => error,
    );
    expect(refusal).toBeInstanceOf(HeadstartError);
    expect(refusal.message).toContain(`Process ${process.ppid}`);
    // One that is no more is taken over from.
    await writeFile(join(dir, 'remaking.lock'), JSON.stringify({ ...holder, pid: 2 ** 22 + 5 }));
    await collectCacheGarbage({ cacheDir: dir, maxBytes: 0 });
    expect(await held(dir)).toEqual([]);
  });

  it('is done by one of many who find the lock of a process that is gone', async () => {
    for (const stale of [JSON.stringify({ pid: 2 ** 22 + 5, host: hostname(), token: 'x' }), '']) {
      const dir = await cacheOf(30);
      const lock = join(dir, 'remaking.lock');
      await writeFile(lock, stale);
      await utimes(lock, 0, 0);
      let [atWork, most, done] = [0, 0, 0];
      const one = async () => {
        let mine = 0;
        const choose = ({ size }: { readonly size: number }) => {
          mine = 1;
          most = Math.max(most, ++atWork);
          return new Uint8Array(size).fill(1, 1);
        };
        await remakeCache({ dir, choose }).finally(() => {
          atWork -= mine;
        });
        done++;
      };
      const results = await Promise.allSettled(numbers(24).map(one));
      expect([most, done > 0]).toEqual([1, true]);
      expect(await held(dir)).toHaveLength(30 - done);
      for (const result of results) {
        if (result.status === 'rejected') expect(result.reason.message).toContain('wait for it');
      }
      expect((await readdir(dir)).filter((name) => name.startsWith('remaking'))).toEqual([]);
    }
  });
});

describe('A damaged data file', () => {
  async function damagedCopy(dir: string, at: (bytes: Buffer) => number): Promise<string> {
    const copy = join(await temporaryFolder(), 'cache');
    await cp(dir, copy, { recursive: true });
    const bytes = await readFile(join(dir, 'data.mdb'));
    const place = at(bytes);
    bytes[place] = (bytes[place] as number) ^ 0x10;
    await writeFile(join(copy, 'data.mdb'), bytes);
    return copy;
  }

  it('is refused before LMDB sees it, wherever a tree’s page is wrong, and repaired', async () => {
    const dir = await cacheOf(60);
    const bytes = await readFile(join(dir, 'data.mdb'));
    const isLeaf = (page: number) => bytes.readUInt16LE(page * 4096 + 18) === 2;
    const leaves = numbers(bytes.length / 4096).filter((page) => page >= 2 && isLeaf(page));
    let refused = 0;
    for (const page of leaves) {
      // The page's number, its flags, its bounds, where its first entry is.
      for (const offset of [0, 18, 21, 25]) {
        const copy = await damagedCopy(dir, () => page * 4096 + offset);
        const opening = openFeatureCache({ dir: copy });
        const cache = await opening.catch((error) => error);
        if (!(cache instanceof HeadstartError)) {
          await cache.close();
          continue;
        }
        refused++;
        expect(cache.message).toMatch(
          /is damaged \(.+\)\. Keep what is whole of it with `headstart cache repair`/,
        );
        const { records } = await repairCache({ dir: copy });
        expect((await held(copy)).length).toBe(records);
      }
    }
    // Pages of older snapshots are no matter.
    expect(refused).toBeGreaterThan(4);
  });

  it('is repaired with every record that is whole', async () => {
    const dir = await cacheOf(60);
    const copy = await damagedCopy(dir, (bytes) => bytes.indexOf(Buffer.from(row(7).buffer)));
    await writeFile(join(copy, 'format.json'), '{"headsta');
    await expect(openFeatureCache({ dir: copy })).rejects.toThrow('format.json is damaged');
    expect(await repairCache({ dir: copy })).toEqual({ records: 59 });
    expect(await held(copy)).toEqual(numbers(60).filter((i) => i !== 7));
  });

  it('that is cut off is refused, and what is left of it is kept', async () => {
    const dir = await cacheOf(60);
    const bytes = await readFile(join(dir, 'data.mdb'));
    await writeFile(join(dir, 'data.mdb'), bytes.subarray(0, bytes.length / 2));
    await expect(openFeatureCache({ dir })).rejects.toThrow('is damaged (it is cut off)');
    await repairCache({ dir });
    await using cache = await openFeatureCache({ dir });
    cache.putBatch(numbers(60).map(record));
    expect(await held(dir)).toEqual(numbers(60));
  });
});

describe('A cache in a file', () => {
  it('comes back with the same records under the same keys', async () => {
    const dir = await cacheOf(100);
    {
      await using cache = await openFeatureCache({ dir });
      const half = { key: Buffer.alloc(64, 200), shape: [3], dtype: 'float16' as const };
      cache.putBatch([{ ...half, row: Uint16Array.of(1, 2, 3) }]);
    }
    const file = join(await temporaryFolder(), 'cache.safetensors');
    expect(await exportCache({ cacheDir: dir, file })).toMatchObject({ records: 101, damaged: 0 });
    const other = join(await temporaryFolder(), 'other');
    expect(await importCache({ cacheDir: other, file })).toMatchObject({ added: 101, present: 0 });
    expect(await importCache({ cacheDir: other, file })).toMatchObject({ added: 0, present: 101 });
    expect(await bytesOf(other)).toEqual(await bytesOf(dir));
  });

  it('is refused where it is another file, and a row that is wrong is left out', async () => {
    const dir = await cacheOf(3);
    const file = join(await temporaryFolder(), 'cache.safetensors');
    await exportCache({ cacheDir: dir, file });
    const bytes = await readFile(file);
    const at = bytes.indexOf(Buffer.from(row(1).buffer));
    bytes[at] = (bytes[at] as number) ^ 1;
    await writeFile(file, bytes);
    const other = join(await temporaryFolder(), 'other');
    expect(await importCache({ cacheDir: other, file })).toMatchObject({ added: 2, damaged: 1 });
    expect(await held(other)).toEqual([0, 2]);
    const fixture = new URL('../../fixtures/features/python-maps.safetensors', import.meta.url);
    await expect(
      importCache({ cacheDir: other, file: fileURLToPath(fixture) }),
    ).rejects.toMatchObject({
      code: 'FEATURE_FILE_INVALID',
      message: expect.stringContaining('was not written by `headstart cache export`'),
    });
  });
});
