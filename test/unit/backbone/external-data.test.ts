import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Backbone, describeFile, locateBackbone } from '#core/backbone';
import type { TensorProto } from '../../../packages/core/src/onnx/onnx-model.ts';
import { type TemporaryFolder, temporaryFolder } from '../../util/workspace.ts';
import { floatTensor, node, pool, type SmallModel, someImages, writeSmallModel } from './models.ts';

let root: TemporaryFolder;
let folder: string;
let count = 0;
beforeAll(async () => {
  root = await temporaryFolder();
});
afterAll(() => root[Symbol.asyncDispose]());
beforeEach(async () => {
  folder = join(root.path, `${count++}`);
  await mkdir(folder);
});

const images = someImages(2, 8);
const factors = [0.5, -2, 3];
const bytesOf = (values: readonly number[]) => new Uint8Array(Float32Array.from(values).buffer);
const data = () => join(folder, 'weights.data');
/** Something else stands before the numbers in the data file. */
const before = 16;
const writeData = (values: readonly number[]) =>
  writeFile(data(), Buffer.concat([Buffer.alloc(before, 7), bytesOf(values)]));

/** By which channels are multiplied, [3, 1, 1], with its numbers in the data file. */
function external(name = 'factors', entries: Readonly<Record<string, string>> = {}): TensorProto {
  const { rawData: _, ...tensor } = floatTensor(name, [3, 1, 1], factors);
  const place = { location: 'weights.data', offset: `${before}`, length: '12', ...entries };
  const externalData = Object.entries(place).map(([key, value]) => ({ key, value }));
  return { ...tensor, dataLocation: 1, externalData };
}

const halved = { metadata: { preprocessing: 'rescale' } };
const multiplied = [node('Mul', ['pixels', 'factors'], 'multiplied'), pool('multiplied', 'halved')];
const constant = (tensor: TensorProto, output: string) => ({
  ...node('Constant', [], output),
  attribute: [{ name: 'value', type: 4, t: tensor }],
});
const branch = (factorsOf: string) => ({
  name: 'branch',
  node: [node('Mul', ['pixels', factorsOf], 'multiplied')],
  output: [{ name: 'multiplied' }],
});
/** Multiplies by `then`, and never by what `else` has. */
const choice = (then: object, otherwise: object) => ({
  ...node('If', ['always'], 'multiplied'),
  attribute: [
    { name: 'then_branch', type: 5, g: then },
    { name: 'else_branch', type: 5, g: otherwise },
  ],
});
const always = { name: 'always', dims: [], dataType: 9, rawData: Uint8Array.of(1) };

const places: [string, () => SmallModel][] = [
  ['an initializer', () => ({ nodes: multiplied, initializers: [external()] })],
  ['a Constant node', () => ({ nodes: [constant(external(), 'factors'), ...multiplied] })],
  [
    'the body of an If',
    () => {
      const body = { ...branch('factors'), initializer: [external()] };
      return { nodes: [choice(body, body), pool('multiplied', 'halved')], initializers: [always] };
    },
  ],
  [
    'a Constant node in the body of an If',
    () => {
      const inner = branch('factors');
      const body = { ...inner, node: [constant(external(), 'factors'), ...inner.node] };
      return { nodes: [choice(body, body), pool('multiplied', 'halved')], initializers: [always] };
    },
  ],
];

async function locate(model: SmallModel) {
  const path = await writeSmallModel(join(folder, 'model.onnx'), { ...halved, ...model });
  return locateBackbone(path, { modelsDir: join(folder, 'models') });
}

async function features(model: SmallModel) {
  await using backbone = await Backbone.open(await locate(model), { device: 'cpu' });
  return await backbone.run(images, 2);
}

describe.each(places)('weights beside the file, in %s', (_, model) => {
  const inside = () => {
    const [first, ...more] = [...(model().initializers ?? [])];
    const own = floatTensor('factors', [3, 1, 1], factors);
    return { nodes: multiplied, initializers: first === undefined ? [own] : [own, ...more] };
  };

  test('give the features that they give inside it', async () => {
    await writeData(factors);
    expect(await features(model())).toEqual(await features(inside()));
  });

  test('are part of what the backbone is: with others it is another one', async () => {
    await writeData(factors);
    const first = await locate(model());
    await writeData([1, 1, 1]);
    const second = await locate(model());
    expect(second.sha256).not.toBe(first.sha256);
    await writeData(factors);
    expect((await locate(model())).sha256).toBe(first.sha256);
  });

  test('are taken along: the backbone that was placed runs without them', async () => {
    await writeData(factors);
    const file = await locate(model());
    await rm(data());
    await using backbone = await Backbone.open(file, { device: 'cpu' });
    expect(await backbone.run(images, 2)).toHaveLength(2 * 48);
  });

  test('that are missing are named, with how to make one file', async () => {
    await expect(locate(model())).rejects.toMatchObject({
      code: 'BACKBONE_UNSUITABLE',
      message: expect.stringMatching(
        /^Cannot read .*weights\.data, where .*model\.onnx has its weights: .*external_data=False\)\.$/,
      ),
    });
  });
});

describe('a data file that is not the one of the model is refused by name', () => {
  const one = (entries: Readonly<Record<string, string>>) => ({
    nodes: multiplied,
    initializers: [external('factors', entries)],
  });

  test('where it is too short', async () => {
    await writeFile(data(), bytesOf([1, 2, 3]));
    await expect(locate(one({}))).rejects.toThrow(/weights\.data has 12 bytes, and .* up to 28/);
  });

  test('where its SHA-1 is not the one that the model has', async () => {
    const sha1 = createHash('sha1').update(Buffer.alloc(before, 7)).update(bytesOf(factors));
    const checksum = sha1.digest('hex');
    await writeData(factors);
    await locate(one({ checksum }));
    await writeData([1, 1, 1]);
    await expect(locate(one({ checksum }))).rejects.toThrow(
      /weights\.data has another SHA-1 than .*model\.onnx/,
    );
  });

  test.each([
    [{ location: '../weights.data' }, 'names the data file "../weights.data" for "factors"'],
    [{ location: '/etc/hostname' }, 'names the data file "/etc/hostname"'],
    [{ location: 'a\\..\\..\\b' }, 'names the data file "a\\..\\..\\b"'],
    [{ offset: '-4' }, 'has the offset "-4" for "factors"'],
    [{ length: 'much' }, 'has the length "much" for "factors"'],
    [{ length: '8' }, 'takes 8 bytes of'],
  ])('where the model has %o', async (entries, message) => {
    await writeData(factors);
    await expect(locate(one(entries))).rejects.toMatchObject({
      code: 'BACKBONE_UNSUITABLE',
      message: expect.stringContaining(message),
    });
  });

  test('where it is a folder', async () => {
    await mkdir(data());
    await expect(locate(one({}))).rejects.toThrow(/Cannot read .*weights\.data.*it is a folder/);
  });
});

test('a file with weights elsewhere is not opened as it is', async () => {
  await writeData(factors);
  const path = await writeSmallModel(join(folder, 'model.onnx'), {
    input: { name: 'image', type: 'uint8', dims: ['N', 8, 8, 3] },
    outputs: [{ name: 'features', dims: ['N', 3] }],
    nodes: [
      node('Cast', ['image'], 'float', { to: 1 }),
      node('ReduceMean', ['float'], 'mean', { axes: [1, 2], keepdims: 0 }),
      constant(external(), 'factors'),
      node('Reshape', ['factors', 'three'], 'row'),
      node('Mul', ['mean', 'row'], 'features'),
    ],
    initializers: [
      {
        name: 'three',
        dims: [1],
        dataType: 7,
        rawData: new Uint8Array(BigInt64Array.of(3n).buffer),
      },
    ],
  });
  await expect(describeFile(path)).rejects.toThrow('has weights in other files (external data)');
  const file = await locateBackbone(path, { modelsDir: join(folder, 'models') });
  await using backbone = await Backbone.open(file, { device: 'cpu' });
  expect(await backbone.run(new Uint8Array(192).fill(10), 1)).toEqual(
    Float32Array.from([5, -20, 30]),
  );
});
