import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { collectCacheGarbage, HeadstartError, type Notice } from '@headstart/core';
import {
  extractFeatures,
  type FeatureCache,
  type FeatureStore,
  openFeatureCache,
  remakeCache,
  rememberingHasher,
} from '@headstart/core/features';
import { describe, expect, it } from 'vitest';
import { bytesBackbone, pictures, rowsOf, temporaryFolder } from './pipeline.ts';
import { cacheOf, held, key, today, usedOn } from './records.ts';

const olderThan = (dir: string, olderThanDays: number) =>
  collectCacheGarbage({ cacheDir: dir, olderThanDays });

describe('Records that a running command counts on', () => {
  it('stay until it has closed the cache, however old they are', async () => {
    const dir = await cacheOf(4, usedOn(today - 40, 0, 1, 2, 3));
    const reader = await openFeatureCache({ dir });
    usedOn(today - 40, 1, 2)(reader);
    expect(await olderThan(dir, 30)).toMatchObject({ removed: 2, kept: 2 });
    expect(await held(dir)).toEqual([1, 2]);
    // In the new data too.
    expect(await olderThan(dir, 30)).toMatchObject({ removed: 0, kept: 2 });
    await reader.close();
    expect(await olderThan(dir, 30)).toMatchObject({ removed: 2, kept: 0 });
  });

  it('stay whatever size the cache may have, and count in it', async () => {
    const dir = await cacheOf(4, usedOn(today - 2, 3));
    await using reader = await openFeatureCache({ dir });
    usedOn(today - 2, 3)(reader);
    const options = { cacheDir: dir, maxBytes: 2 * 4500 };
    expect(await collectCacheGarbage({ ...options, dryRun: true })).toMatchObject({ kept: 2 });
    expect(await collectCacheGarbage(options)).toMatchObject({ removed: 2, kept: 2 });
    expect(await held(dir)).toEqual([0, 3]);
    expect(await collectCacheGarbage({ ...options, maxBytes: 0 })).toMatchObject({ kept: 1 });
    expect(await held(dir)).toEqual([3]);
  });

  it('stay where it finds them after they were chosen to go', async () => {
    const dir = await cacheOf(3);
    await using reader = await openFeatureCache({ dir });
    const remade = await remakeCache({
      dir,
      choose: ({ size }) => new Uint8Array(size),
      onProgress: () => reader.noteUse([key(1)]),
    });
    expect(remade).toMatchObject({ kept: 1, removed: 2, damaged: 0 });
    expect(await held(dir)).toEqual([1]);
  });

  it('go where the process is gone', async () => {
    const dir = await cacheOf(2, usedOn(today - 40, 0, 1));
    {
      await using cache = await openFeatureCache({ dir });
      cache.whileNobodyWrites(({ uses, claims }) => {
        for (const { key: use } of [...uses.getRange()]) {
          const claim = Buffer.alloc(24);
          claim.writeUInt32LE(2 ** 22 + 5, 8);
          createHash('sha256').update(hostname()).digest().copy(claim, 12, 0, 4);
          claim.writeDoubleLE(Date.now(), 16);
          claims.putSync(Buffer.concat([Buffer.from(use), Buffer.alloc(8, 7)]), claim);
        }
      });
    }
    expect(await olderThan(dir, 30)).toMatchObject({ removed: 2 });
  });

  it('are those that extraction finds, from its start', async () => {
    const folder = await temporaryFolder();
    const dir = `${folder}/cache`;
    const samples = await pictures(folder, 12);
    const plain = samples.map((sample) => ({ sample, views: [undefined] }));
    await using cache = await openFeatureCache({ dir });
    const options = { cache, dtype: 'float32' as const, batchSize: 2 };
    await extractFeatures({ ...options, samples: plain.slice(0, 6), backbone: bytesBackbone() });
    await using other = await openFeatureCache({ dir });
    let collecting: Promise<unknown> | undefined;
    const backbone = bytesBackbone({
      onRun: () => {
        collecting ??= collectCacheGarbage({ cacheDir: dir, maxBytes: 0 });
        return collecting;
      },
    });
    const extraction = { ...options, cache: other, samples: plain, backbone };
    await cache.close();
    const { set, computed, reused } = await extractFeatures(extraction);
    expect({ computed, reused }).toEqual({ computed: 6, reused: 6 });
    expect(await rowsOf(set)).toHaveLength(12);
  });
});

/** A cache in which one thing cannot be written. */
function failing(cache: FeatureCache, method: keyof FeatureStore): FeatureStore {
  const full = () => {
    throw new HeadstartError('CACHE_UNUSABLE', 'The disk is full.');
  };
  return new Proxy<FeatureStore>(cache, {
    get: (_, name: keyof FeatureStore) => {
      const value = cache[name];
      return name === method ? full : typeof value === 'function' ? value.bind(cache) : value;
    },
  });
}

describe('A cache that cannot be written', () => {
  it('gives the features that it holds, with a warning', async () => {
    const folder = await temporaryFolder();
    await using cache = await openFeatureCache({ dir: `${folder}/cache` });
    const samples = (await pictures(folder, 5)).map((sample) => ({ sample, views: [undefined] }));
    const options = { samples, cache, backbone: bytesBackbone(), dtype: 'float32' as const };
    const { set } = await extractFeatures(options);
    const notices: Notice[] = [];
    const again = await extractFeatures({
      ...options,
      cache: failing(cache, 'noteUse'),
      onNotice: (notice) => notices.push(notice),
    });
    expect(again).toMatchObject({ computed: 0, reused: 5 });
    expect(await rowsOf(again.set)).toEqual(await rowsOf(set));
    expect(notices).toEqual([
      { level: 'warning', text: expect.stringMatching(/^The disk is full\. .*not noted/) },
    ]);
  });

  it('does not keep files from being hashed', async () => {
    const folder = await temporaryFolder();
    await using cache = await openFeatureCache({ dir: `${folder}/cache` });
    const samples = await pictures(folder, 2);
    const notices: Notice[] = [];
    const hasher = rememberingHasher(failing(cache, 'writeFiles'), {
      now: () => Date.now() + 10_000,
      onNotice: (notice) => notices.push(notice),
    });
    const hashes = await hasher(
      samples.map(({ path }) => path),
      {},
    );
    expect(hashes).toEqual(samples.map(({ hash }) => ({ hash })));
    expect(notices.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^The disk is full\. .*not remembered/),
    ]);
  });
});
