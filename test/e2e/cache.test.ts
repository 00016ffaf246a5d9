import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  encodeRecord,
  layoutOf,
  numbersOf,
  openFeatureCache,
  openFeatureSnapshot,
} from '@headstart/core/features';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cliIn } from '../util/place.ts';
import {
  type TemporaryFolder,
  temporaryFolder,
  tinyBackbone,
  writePictures,
} from '../util/workspace.ts';

let place: TemporaryFolder;

const cli = (...args: string[]) => cliIn(place, args);
const json = async (...args: string[]) => JSON.parse((await cli(...args, '--json')).stdout);
const features = (data: string, ...more: string[]) =>
  json('features', data, '--backbone', tinyBackbone, '--no-augment', ...more);

/** Flips one bit in the last fifth of the data file, where records lie. */
async function damage(cache: string): Promise<void> {
  const file = join(place.path, cache, 'data.mdb');
  const bytes = await readFile(file);
  const at = bytes.lastIndexOf(Buffer.from([0x48, 0x53, 0x52, 0x31])) + 40;
  bytes[at] = (bytes[at] as number) ^ 1;
  await writeFile(file, bytes);
}

/** The tiny backbone with the weights of its last layer in the reverse order. */
async function writeOtherModel(file: string): Promise<void> {
  const bytes = await readFile(tinyBackbone);
  const [weights, at] = [12 * 8 * 3 * 3, 1226];
  const floats = Float32Array.from({ length: weights }, (_, i) => bytes.readFloatLE(at + 4 * i));
  floats.reverse().forEach((x, i) => {
    bytes.writeFloatLE(x, at + 4 * i);
  });
  await writeFile(file, bytes);
}

beforeAll(async () => {
  place = await temporaryFolder();
  await writePictures(join(place.path, 'data'), ['blue', 'green', 'red'], 4);
  // Two halves of the data, as two machines would have them.
  for (const [half, wanted] of [
    ['one', 0],
    ['two', 1],
  ] as const) {
    for (const name of ['blue', 'green', 'red']) {
      await mkdir(join(place.path, half, name), { recursive: true });
      const files = (await readdir(join(place.path, 'data', name))).sort();
      for (const file of files.filter((_, i) => i % 2 === wanted)) {
        await cp(join(place.path, 'data', name, file), join(place.path, half, name, file));
      }
    }
    await features(half, '--cache-dir', half === 'one' ? 'cache-1' : 'cache-2');
  }
});
afterAll(() => place[Symbol.asyncDispose]());

describe('headstart cache', () => {
  it('lists what is there by backbone, size and device', async () => {
    await features('one', '--cache-dir', 'cache-1', '--fit', 'crop');
    const listing = await json('cache', 'ls', '--cache-dir', 'cache-1');
    expect(listing).toMatchObject({ cache: 'cache-1', records: 12 });
    expect(listing.contents).toHaveLength(2);
    expect(listing.contents[0]).toMatchObject({
      records: 6,
      extractor: { backbone: 'tiny', featureShape: [8, 8, 12], resize: 'bilinear' },
    });
    const { stdout } = await cli('cache', 'ls', '--cache-dir', 'cache-1');
    expect(stdout).toMatch(/^cache-1: 12 records, \d+\.\d MB$/m);
    expect(stdout).toMatch(/tiny +8x8x12 .* 32x32 bilinear crop +cpu +6/);
  });

  it('merges what other machines computed: nothing is left to compute', async () => {
    const merged = await json('cache', 'merge', 'cache-1', 'cache-2', '--cache-dir', 'both');
    expect(merged).toMatchObject({ added: 18, present: 0, damaged: 0 });
    const again = await cli('cache', 'merge', 'cache-2', '--cache-dir', 'both');
    expect(again.stdout.trim()).toBe('0 records added, 6 there already');
    expect(await features('data', '--cache-dir', 'both')).toMatchObject({
      computed: 0,
      reused: 12,
    });
    const listing = await json('cache', 'ls', '--cache-dir', 'both');
    expect(listing.contents[0].extractor.backbone).toBe('tiny');
  });

  it('finds a damaged record, leaves it out of a merge, and has it computed anew', async () => {
    await cp(join(place.path, 'cache-2'), join(place.path, 'bad'), { recursive: true });
    await damage('bad');
    const found = await cli('cache', 'verify', '--cache-dir', 'bad');
    expect(found.stdout).toMatch(/^6 records checked, 1 damaged\n/);
    expect(found.code).toBe(1);
    const merged = await cli('cache', 'merge', 'bad', '--cache-dir', 'mended');
    expect(merged.stdout.trim()).toBe('5 records added, 0 there already, 1 damaged ones left out');
    expect(await features('two', '--cache-dir', 'bad')).toMatchObject({ computed: 1, reused: 5 });
    const mended = await cli('cache', 'verify', '--cache-dir', 'bad');
    expect([mended.code, mended.stdout.trim()]).toEqual([0, '6 records checked, 0 damaged']);
  });

  it('finds features of another model or altered ones behind right checksums, and no others', async () => {
    const cacheDir = join(place.path, 'planted');
    await features('one', '--cache-dir', 'planted');
    await writeOtherModel(join(place.path, 'other.onnx'));
    const model = ['--backbone', 'other.onnx', '--no-augment', '--cache-dir', 'other-model'];
    await json('features', 'one', ...model);
    const verify = async () => {
      const own = ['--backbone', tinyBackbone, '--no-augment', '--cache-dir', 'planted', '--json'];
      const { code, stdout } = await cli('cache', 'verify', '--recompute', 'one', ...own);
      return { code, ...JSON.parse(stdout) };
    };
    const right = { code: 0, images: 6, compared: 6, different: 0, damaged: 0, missing: 0 };
    expect(await verify()).toMatchObject(right);

    using other = await openFeatureSnapshot(join(place.path, 'other-model'));
    const foreign = Buffer.from(other.record(0).record);
    await using cache = await openFeatureCache({ dir: cacheDir });
    using snapshot = await openFeatureSnapshot(cacheDir);
    const plant = (i: number, change: (numbers: Buffer) => void) => {
      const { key, record } = snapshot.record(i);
      const kept = { key: Buffer.from(key), record: Buffer.from(record) };
      const bytes = Uint8Array.from(numbersOf(kept.record));
      change(Buffer.from(bytes.buffer));
      const planted = encodeRecord(kept.key, layoutOf(record), new Uint16Array(bytes.buffer));
      cache.putRecords([{ key: kept.key, record: planted }]);
      return () => cache.putRecords([kept]);
    };
    // The features of the same picture by another model: keys differ in the extractor alone.
    const content = other.key(0).subarray(16, 48);
    const same = [0, 1, 2, 3, 4, 5].find((i) => snapshot.key(i).subarray(16, 48).equals(content));
    const mend = plant(same as number, (numbers) => numbersOf(foreign).copy(numbers));
    expect(await verify()).toMatchObject({ ...right, code: 1, different: 1 });
    mend();
    expect(await verify()).toMatchObject(right);
    // A fiftieth of the numbers set to 0.
    plant(4, (numbers) => numbers.fill(0, 0, Math.ceil(numbers.length / 100) * 2));
    expect(await verify()).toMatchObject({ ...right, code: 1, different: 1 });
    expect((await cli('cache', 'verify', '--cache-dir', 'planted')).code).toBe(0);
  });

  it('reads a share of the records where a share is asked for', async () => {
    const checked = async (sample: string) =>
      (await json('cache', 'verify', '--cache-dir', 'cache-2', '--sample', sample)).checked;
    expect([await checked('50%'), await checked('0.34'), await checked('1%')]).toEqual([3, 2, 1]);
    const { code, stderr } = await cli('cache', 'verify', '--sample', '200%');
    expect(stderr).toContain('Give a share above 0');
    expect(code).toBe(2);
  });

  it('joins the shards of several machines to what one machine has: training is bit-identical', async () => {
    const all = [tinyBackbone, '--views', '2'];
    const shards = [];
    for (const i of [1, 2, 3]) {
      const own = ['--shard', `${i}/3`, '--cache-dir', `shard-${i}`];
      shards.push(await json('features', 'data', '--backbone', ...all, ...own));
    }
    expect(shards.reduce((sum, { images }) => sum + images, 0)).toBe(12);
    expect(Math.max(...shards.map(({ images }) => images))).toBeLessThan(12);
    await cli('cache', 'merge', 'shard-1', 'shard-2', 'shard-3', '--cache-dir', 'joined');
    const heads = [];
    for (const cache of ['joined', 'alone']) {
      const own = ['--cache-dir', cache, '--out', `run-${cache}`, '--epochs', '3'];
      const { features: counts } = await json('train', 'data', '--backbone', ...all, ...own);
      expect(counts.computed > 0).toBe(cache === 'alone');
      heads.push(await readFile(join(place.path, `run-${cache}`, 'head.safetensors')));
    }
    expect(heads[0]).toEqual(heads[1]);
  });

  it('refuses shards that there are not', async () => {
    for (const wrong of ['0/3', '4/3', '2', 'a/b']) {
      const { code, stderr } = await cli('features', 'data', '--shard', wrong);
      expect(stderr).toContain('Give the part and how many there are, as 1/4 to 4/4.');
      expect(code).toBe(2);
    }
    const file = await cli('features', 'data', '--shard', '1/2', '--out', 'f.safetensors');
    expect(file.stderr).toContain('leave out --out, merge the caches');
    expect(file.code).toBe(2);
  });

  it('says where there is no cache', async () => {
    const { code, stderr } = await cli('cache', 'ls', '--cache-dir', 'nowhere');
    expect(stderr.trim()).toBe('error: There is no feature cache in nowhere.');
    expect(code).toBe(1);
  });
});
