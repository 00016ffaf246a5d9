import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SafetensorsFile, writeSafetensors } from '#core/base/safetensors';
import { fromFloat16, memoryFeatureSet, readFeatureFile, writeFeatureFile } from '#core/features';
import { rowsOf, temporaryFolder } from './pipeline.ts';

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../fixtures/features/${name}`, import.meta.url));

describe('A feature file of Python’s safetensors', () => {
  it('is read as it is: feature maps in float16 with all metadata', async () => {
    const { set, classes, backbone } = await readFeatureFile(fixture('python-maps.safetensors'));
    expect(classes).toEqual(['green', 'red', 'yellow']);
    expect(backbone).toBe('some network');
    expect(set.shape).toEqual([2, 2, 3]);
    expect(set.dtype).toBe('float16');
    expect(set.samples[2]).toEqual({ name: 'red/2.png', label: 1, rows: [2] });
    const rows = (await rowsOf(set)).map((row) => [...fromFloat16(row as Uint16Array)]);
    expect(rows).toEqual(
      Array.from({ length: 5 }, (_, i) => Array.from({ length: 12 }, (_, k) => (12 * i + k) / 4)),
    );
  });

  it('is read as it is: vectors in float32 with I32 labels and no metadata', async () => {
    const file = await readFeatureFile(fixture('python-vectors.safetensors'));
    expect(file.classes).toEqual(['0', '1']);
    expect(file.backbone).toBeUndefined();
    expect(file.set.shape).toEqual([3]);
    expect(file.set.samples.map(({ label }) => label)).toEqual([1, 0, 1, 1]);
    expect(await rowsOf(file.set)).toEqual(
      [0, 1, 2, 3].map((i) => Float32Array.of(i, Math.fround(i / 3), -i)),
    );
  });
});

describe('A feature file of PyTorch', () => {
  it('is read as it is: bfloat16, every number exactly as float32', async () => {
    const { set } = await readFeatureFile(fixture('torch-bfloat16.safetensors'));
    expect([set.dtype, set.shape, set.rowCount]).toEqual(['float32', [3], 3]);
    // 1/3 in bfloat16 is 0x3eab: 171/512.
    const third = 171 / 512;
    expect((await rowsOf(set)).map((row) => [...row])).toEqual([
      [1, 2 ** -60, 2 ** 100],
      [third, -third, -3],
      [0, -0, 65536],
    ]);
    const picked: number[] = [];
    for await (const chunk of set.chunks({ rows: [2, 0, 1] })) picked.push(...chunk);
    expect(picked).toEqual([0, -0, 65536, 1, 2 ** -60, 2 ** 100, third, -third, -3]);
  });
});

const sample = (name: string, label: number, ...rows: number[]) => ({ name, label, rows });

describe('A feature file', () => {
  it('holds each sample’s plain image, in the order of the samples', async () => {
    const path = join(await temporaryFolder(), 'new folder', 'f.safetensors');
    const rows = Float32Array.from({ length: 8 }, (_, i) => i / 3);
    const samples = [sample('b', 1, 3, 0), sample('a', 0, 1), sample('copy of b', 1, 3)];
    const set = memoryFeatureSet({ shape: [2], samples, rows });
    await writeFeatureFile(path, set, { classes: ['x', 'y'], backbone: 'net' });
    const read = await readFeatureFile(path);
    expect(read).toMatchObject({ classes: ['x', 'y'], backbone: 'net' });
    expect(read.set.samples).toEqual([
      sample('b', 1, 0),
      sample('a', 0, 1),
      sample('copy of b', 1, 2),
    ]);
    expect(await rowsOf(read.set)).toEqual([rows.slice(6), rows.slice(2, 4), rows.slice(6)]);
    await using file = await SafetensorsFile.open(path);
    expect(file.header.tensors.get('labels')).toMatchObject({ dtype: 'I64', shape: [3] });
    expect(file.header.metadata.paths).toBe('["b","a","copy of b"]');
  });

  it('keeps groups, so that cross-validation does not part them', async () => {
    const path = join(await temporaryFolder(), 'f.safetensors');
    const groups = ['patient 1', undefined, 'patient 1'];
    const samples = groups.map((group, i) => ({ ...sample(`${i}`, 0, i), group }));
    const set = memoryFeatureSet({ shape: [1], samples, rows: Float32Array.of(1, 2, 3) });
    await writeFeatureFile(path, set, { classes: ['a'] });
    const read = await readFeatureFile(path);
    expect(read.set.samples.map(({ group }) => group)).toEqual(groups);
    await using file = await SafetensorsFile.open(path);
    expect(file.header.metadata.groups).toBe('["patient 1",null,"patient 1"]');
  });

  it.each([
    ['"patient 1"', 'its metadata "groups" is not a JSON array of texts'],
    ['["patient 1",2]', 'its metadata "groups" is not a JSON array of texts'],
    ['["patient 1"]', 'its metadata names 1 groups for 2 rows'],
  ])('with wrong groups is refused: %s', async (groups, why) => {
    const path = join(await temporaryFolder(), 'f.safetensors');
    const bytes = (numbers: ArrayBufferView) => new Uint8Array(numbers.buffer as ArrayBuffer);
    const tensors = {
      features: { dtype: 'F32', shape: [2, 1], data: bytes(Float32Array.of(1, 2)) },
      labels: { dtype: 'I64', shape: [2], data: bytes(BigInt64Array.of(0n, 0n)) },
    } as const;
    await writeSafetensors(path, tensors, { groups });
    const refused = readFeatureFile(path);
    await expect(refused).rejects.toMatchObject({ code: 'FEATURE_FILE_INVALID' });
    await expect(refused).rejects.toThrow(`${path} is not a feature file: ${why}.`);
  });

  it('keeps float16 bits, over many chunks', async () => {
    const path = join(await temporaryFolder(), 'f.safetensors');
    const [count, length] = [300, 25088];
    const rows = Uint16Array.from({ length: count * length }, (_, i) => i % 0x7c00);
    const samples = Array.from({ length: count }, (_, i) => sample(`${i}`, 0, i));
    const set = memoryFeatureSet({ shape: [7, 7, 512], samples, rows });
    await writeFeatureFile(path, set, { classes: ['only'] });
    const read = await readFeatureFile(path);
    let chunks = 0;
    let at = 0;
    for await (const chunk of read.set.chunks()) {
      const same = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).equals(
        Buffer.from(rows.buffer, at * 2, chunk.byteLength),
      );
      expect(same).toBe(true);
      at += chunk.length;
      chunks++;
    }
    expect(at).toBe(rows.length);
    expect(chunks).toBeGreaterThan(2);
    const some: number[] = [];
    for await (const chunk of read.set.chunks({ rows: [299, 4, 5] })) {
      for (let i = 0; i < 3; i++) some.push(chunk[i * length] as number);
    }
    expect(some).toEqual([299, 4, 5].map((row) => (row * length) % 0x7c00));
  });

  it('stops when it is aborted, and leaves no file', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'f.safetensors');
    const set = memoryFeatureSet({
      shape: [1],
      samples: [sample('a', 0, 0)],
      rows: Float32Array.of(1),
    });
    const reason = new Error('enough');
    const writing = writeFeatureFile(
      path,
      set,
      { classes: ['a'] },
      { signal: AbortSignal.abort(reason) },
    );
    await expect(writing).rejects.toBe(reason);
    await expect(readFeatureFile(path)).rejects.toMatchObject({ code: 'FEATURE_FILE_INVALID' });
  });

  const features = { dtype: 'F32', shape: [2, 3], data: new Uint8Array(24) } as const;
  const labels = { dtype: 'U8', shape: [2], data: Uint8Array.of(0, 1) } as const;
  it.each([
    ['no features', { x: features, labels }, {}, 'no tensor "features" (its tensors: x, labels)'],
    ['no labels', { features }, {}, 'no tensor "labels"'],
    [
      'features of a wrong rank',
      { features: { ...features, shape: [2, 1, 3] }, labels },
      {},
      'shape [2, 1, 3]',
    ],
    [
      'features of a wrong type',
      { features: { dtype: 'F64', shape: [2, 3], data: new Uint8Array(48) }, labels },
      {},
      'F64: save them as F32, F16 or BF16',
    ],
    [
      'labels of a wrong number',
      { features, labels: { ...labels, shape: [1], data: Uint8Array.of(0) } },
      {},
      'shape [1], not [2]',
    ],
    [
      'labels that are not integers',
      { features, labels: { ...features, shape: [2], data: new Uint8Array(8) } },
      {},
      'labels are F32',
    ],
    [
      'a label beyond the classes',
      { features, labels },
      { classes: '["a"]' },
      'row 1 has the label 1, but there are 1 classes',
    ],
    [
      'classes that are no list',
      { features, labels },
      { classes: 'a,b' },
      '"classes" is not a JSON array',
    ],
    [
      'a label that is no class, where none are named',
      {
        features,
        labels: {
          dtype: 'I64',
          shape: [2],
          data: new Uint8Array(BigInt64Array.of(0n, 400_000_000n).buffer),
        },
      },
      {},
      'row 1 has the label 400000000: number classes from 0',
    ],
    ['paths of another number', { features, labels }, { paths: '["a"]' }, '1 paths for 2 rows'],
  ] as const)('is refused in one sentence with %s', async (_, tensors, metadata, what) => {
    const path = join(await temporaryFolder(), 'f.safetensors');
    await writeSafetensors(path, tensors as Parameters<typeof writeSafetensors>[1], metadata);
    await expect(readFeatureFile(path)).rejects.toMatchObject({
      code: 'FEATURE_FILE_INVALID',
      message: expect.stringContaining(what),
    });
  });

  it.each([
    ['nothing', 'null', undefined],
    ['numbers', '{"classes":5}', 'its __metadata__ is not a JSON object of texts'],
    ['a list', '[]', 'its __metadata__ is not a JSON object of texts'],
  ])('may have %s for metadata only as safetensors has it', async (_, metadata, what) => {
    const tensors =
      '"features":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"labels":{"dtype":"U8","shape":[2],"data_offsets":[8,10]}';
    const header = Buffer.from(`{"__metadata__":${metadata},${tensors}}`);
    const length = Buffer.alloc(8);
    length.writeUInt32LE(header.length);
    const path = join(await temporaryFolder(), 'f.safetensors');
    await writeFile(path, Buffer.concat([length, header, Buffer.alloc(9), Buffer.of(1)]));
    if (what === undefined) {
      expect((await readFeatureFile(path)).classes).toEqual(['0', '1']);
    } else {
      await expect(readFeatureFile(path)).rejects.toMatchObject({
        code: 'FEATURE_FILE_INVALID',
        message: expect.stringContaining(what),
      });
    }
  });

  it('that is a folder is refused in one sentence', async () => {
    const path = await temporaryFolder();
    await expect(readFeatureFile(path)).rejects.toMatchObject({
      code: 'FEATURE_FILE_INVALID',
      message: expect.stringContaining(`Cannot read ${path}`),
    });
  });

  it.skipIf(process.platform === 'win32')('that is a pipe is not waited for', async () => {
    const path = join(await temporaryFolder(), 'pipe.safetensors');
    execFileSync('mkfifo', [path]);
    await expect(readFeatureFile(path)).rejects.toThrow(
      `Cannot read ${path}: it is not a regular file.`,
    );
  });

  it('that is none is refused', async () => {
    const path = join(await temporaryFolder(), 'f.safetensors');
    await writeFile(path, 'not at all');
    await expect(readFeatureFile(path)).rejects.toMatchObject({ code: 'FEATURE_FILE_INVALID' });
  });
});
