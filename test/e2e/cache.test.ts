import { execSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeRecords, openFeatureCache } from '#core/features';
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

const packOf = async (cache: string) => {
  const names = await readdir(join(place.path, cache), { recursive: true });
  return join(place.path, cache, names.find((name) => name.endsWith('.pack')) ?? '');
};

/** Flips one bit in the last record. */
async function damage(cache: string): Promise<void> {
  const file = await packOf(cache);
  const bytes = await readFile(file);
  const at = bytes.lastIndexOf(Buffer.from('HSR2')) + 40;
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
    expect(merged.stdout.trim()).toBe('5 records added, 0 there already, 1 damaged left out');
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

    const file = await packOf('planted');
    const kept = await readFile(file);
    await using cache = await openFeatureCache({ dir: cacheDir, readOnly: true });
    await using other = await openFeatureCache({
      dir: join(place.path, 'other-model'),
      readOnly: true,
    });
    const [own, foreign] = [cache.folders()[0], other.folders()[0]];
    if (!own || !foreign) throw new Error('there are no records');
    /** Gives the record of an image other numbers, and a right checksum. */
    const plant = async (i: number, change: (numbers: Buffer, key: Buffer) => void) => {
      const key = own.key(i);
      const row = new Uint16Array(8 * 8 * 12);
      cache.copy(key, { shape: [8, 8, 12], dtype: 'float16' }, new Uint8Array(row.buffer));
      change(Buffer.from(row.buffer), key);
      const planted = encodeRecords([{ key, shape: [8, 8, 12], dtype: 'float16', row }]);
      const bytes = Buffer.from(kept);
      planted.copy(bytes, own.table.offset(i));
      await writeFile(file, bytes);
    };
    // The features of the same picture by another model: keys differ in the extractor alone.
    await plant(0, (numbers, key) => {
      const same = Buffer.concat([foreign.digest, key.subarray(16)]);
      other.copy(same, { shape: [8, 8, 12], dtype: 'float16' }, numbers);
    });
    expect(await verify()).toMatchObject({ ...right, code: 1, different: 1 });
    await writeFile(file, kept);
    expect(await verify()).toMatchObject(right);
    // A fiftieth of the numbers set to 0.
    await plant(4, (numbers) => numbers.fill(0, 0, Math.ceil(numbers.length / 100) * 2));
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

  it('fills one cache by shards at the same time as one machine does: training is bit-identical', async () => {
    const all = [tinyBackbone, '--views', '2'];
    const shards = await Promise.all(
      [1, 2, 3].map((i) => {
        const own = ['--shard', `${i}/3`, '--cache-dir', 'joined'];
        return json('features', 'data', '--backbone', ...all, ...own);
      }),
    );
    expect(shards.reduce((sum, { images }) => sum + images, 0)).toBe(12);
    expect(Math.max(...shards.map(({ images }) => images))).toBeLessThan(12);
    const heads = [];
    for (const cache of ['joined', 'alone']) {
      const own = ['--cache-dir', cache, '--out', `run-${cache}`, '--epochs', '3'];
      const { features: counts } = await json('train', 'data', '--backbone', ...all, ...own);
      expect(counts.computed > 0).toBe(cache === 'alone');
      heads.push(await readFile(join(place.path, `run-${cache}`, 'head.safetensors')));
    }
    expect(heads[0]).toEqual(heads[1]);
  });

  it('takes the share of a job array from its scheduler: each image is in one', async () => {
    const slurm = (id: number) => ({
      SLURM_ARRAY_TASK_ID: `${id}`,
      SLURM_ARRAY_TASK_MIN: '4',
      SLURM_ARRAY_TASK_STEP: '2',
      SLURM_ARRAY_TASK_COUNT: '3',
    });
    const tasks: [string, Record<string, string>, string[]][] = [
      ...[4, 6, 8].map((id): [string, Record<string, string>, string[]] => [
        'slurm',
        slurm(id),
        [],
      ]),
      ...['0', '1', '2'].map((i): [string, Record<string, string>, string[]] => [
        'kubernetes',
        { JOB_COMPLETION_INDEX: i },
        ['--shards', '3'],
      ]),
    ];
    const images: Record<string, number[]> = { slurm: [], kubernetes: [] };
    for (const [cache, environment, more] of tasks) {
      const args = [
        'features',
        'data',
        '--backbone',
        tinyBackbone,
        '--no-augment',
        '--shard',
        'auto',
      ];
      const own = [...more, '--cache-dir', cache, '--json'];
      const { stdout } = await cliIn(place, [...args, ...own], { env: environment });
      const result = JSON.parse(stdout);
      expect(result.computed).toBe(result.images);
      images[cache]?.push(result.images);
    }
    expect(images.slurm).toEqual(images.kubernetes);
    expect(images.slurm?.reduce((sum, one) => sum + one, 0)).toBe(12);
    expect(Math.max(...(images.slurm ?? []))).toBeLessThan(12);
  });

  it('does not read a cache of the form before packs, and says how to remove it', async () => {
    const dir = join(place.path, 'old');
    await mkdir(join(dir, 'data-1'), { recursive: true });
    await writeFile(join(dir, 'format.json'), '{"headstartFeatureCache":2,"data":"data-1"}');
    await writeFile(join(dir, 'data-1', 'data.mdb'), Buffer.alloc(3_000_000, 1));
    await features('one', '--cache-dir', 'old');
    const { old_form: old, records } = await json('cache', 'ls', '--cache-dir', 'old');
    expect(records).toBe(6);
    expect(old).toMatchObject({ folder: 'old', remove: 'rm -r old/data-1 old/format.json' });
    expect(old.bytes).toBeGreaterThanOrEqual(3_000_000);
    const { stdout } = await cli('cache', 'ls', '--cache-dir', 'old');
    expect(stdout).toContain('Remove it with: rm -r old/data-1 old/format.json');
    const doctor = await cli('doctor', '--cache-dir', 'old');
    expect(doctor.stdout).toMatch(/^Old feature cache .*old, 2\.9 MiB/m);
    expect(doctor.stdout).toContain('rm -r old/data-1 old/format.json');
    execSync(old.remove, { cwd: place.path });
    expect(await json('cache', 'ls', '--cache-dir', 'old')).not.toHaveProperty('old_form');
    expect(await features('one', '--cache-dir', 'old')).toMatchObject({ computed: 0 });
  });

  it('refuses shards that there are not', async () => {
    for (const wrong of ['0/3', '4/3', '2', 'a/b']) {
      const { code, stderr } = await cli('features', 'data', '--shard', wrong);
      expect(stderr).toContain('Give the part and how many there are, as 1/4 to 4/4');
      expect(code).toBe(2);
    }
    const wrong: [Record<string, string>, string[], string][] = [
      [{}, [], 'neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set'],
      [{ JOB_COMPLETION_INDEX: '0' }, [], 'as --shards 8'],
      [{ JOB_COMPLETION_INDEX: '3' }, ['--shards', '3'], 'but --shards is only 3'],
      [
        { SLURM_ARRAY_TASK_ID: '5', SLURM_ARRAY_TASK_COUNT: '2', SLURM_ARRAY_TASK_MIN: '3' },
        [],
        'gaps',
      ],
    ];
    for (const [environment, more, reason] of wrong) {
      const args = ['features', 'data', '--shard', 'auto', ...more];
      const { code, stderr } = await cliIn(place, args, { env: environment });
      expect(stderr).toContain(reason);
      expect(code).toBe(2);
    }
    const file = await cli('features', 'data', '--shard', '1/2', '--out', 'f.safetensors');
    expect(file.stderr).toContain(
      'leave out --out, and write the file when all shards are in the cache',
    );
    expect(file.code).toBe(2);
  });

  it('says where there is no cache', async () => {
    const { code, stderr } = await cli('cache', 'ls', '--cache-dir', 'nowhere');
    expect(stderr.trim()).toBe('error: There is no feature cache in nowhere.');
    expect(code).toBe(1);
  });
});
