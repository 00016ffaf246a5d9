import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Backbone, type LocateOptions, locateBackbone } from '#core/backbone';
import { sharedPath } from '../../util/shared.ts';
import { type TemporaryFolder, temporaryFolder, tinyBackbone } from '../../util/workspace.ts';
import { floatTensor, node, pool, type SmallModel, someImages, writeSmallModel } from './models.ts';

let folder: TemporaryFolder;
let modelsDir: string;
let count = 0;
beforeAll(async () => {
  folder = await temporaryFolder();
  modelsDir = join(folder.path, 'models');
});
afterAll(() => folder[Symbol.asyncDispose]());

const write = (model: SmallModel) => writeSmallModel(join(folder.path, `${count++}.onnx`), model);

async function locate(model: SmallModel, options: Partial<LocateOptions> = {}) {
  return locateBackbone(await write(model), { modelsDir, ...options });
}

/** Features of `images`, as the opened backbone gives them. */
async function features(model: SmallModel, images: Uint8Array, options?: Partial<LocateOptions>) {
  await using backbone = await Backbone.open(await locate(model, options), { device: 'cpu' });
  const { height, width } = backbone.info.input;
  const data = await backbone.run(images, images.length / (height * width * 3));
  return { shape: backbone.info.featureShape, data };
}

/** 2x2 means of NHWC images of 8x8, of pixels made by `pixel(value, channel)`. */
function halved(images: Uint8Array, pixel: (value: number, channel: number) => number) {
  const n = images.length / 192;
  return Float32Array.from({ length: n * 48 }, (_, k) => {
    const [c, x, y, i] = [k % 3, Math.floor(k / 3) % 4, Math.floor(k / 12) % 4, Math.floor(k / 48)];
    const at = (dy: number, dx: number) =>
      pixel(images[((i * 8 + 2 * y + dy) * 8 + 2 * x + dx) * 3 + c] as number, c);
    return (at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1)) / 4;
  });
}

function expectClose(actual: Float32Array, expected: Float32Array, tolerance = 1e-5) {
  expect(actual.length).toBe(expected.length);
  const worst = actual.reduce((w, v, i) => Math.max(w, Math.abs(v - (expected[i] as number))), 0);
  expect(worst).toBeLessThan(tolerance);
}

const images = someImages(3, 8);
const means = [0.485, 0.456, 0.406];
const deviations = [0.229, 0.224, 0.225];

describe('an ONNX file as a backbone', () => {
  test('float NCHW images are preprocessed as the metadata say, and features come in NHWC', async () => {
    const { shape, data } = await features({ metadata: { preprocessing: 'torch' } }, images);
    expect(shape).toEqual([4, 4, 3]);
    const reference = halved(
      images,
      (v, c) => (v / 255 - (means[c] as number)) / (deviations[c] as number),
    );
    expectClose(data, reference);
  });

  test('a preprocessing that is asked for goes before that of the metadata', async () => {
    const model = { metadata: { preprocessing: 'torch' } };
    const { data } = await features(model, images, { preprocessing: 'rescale' });
    expectClose(
      data,
      halved(images, (v) => v / 255),
    );
  });

  test('caffe turns the channels around and subtracts their means', async () => {
    const { data } = await features({}, images, { preprocessing: 'caffe' });
    const caffe = [103.939, 116.779, 123.68];
    // Channel c of the model is channel 2 - c of the image.
    const turned = images.map((_, i) => images[i - (i % 3) + 2 - (i % 3)] as number);
    expectClose(
      data,
      halved(turned, (v, c) => v - (caffe[c] as number)),
      1e-4,
    );
  });

  test('none gives the pixels as they are', async () => {
    const { data } = await features({}, images, { preprocessing: 'none' });
    expectClose(
      data,
      halved(images, (v) => v),
      1e-4,
    );
  });

  test('float16 images are taken, float16 features come as float32', async () => {
    const model: SmallModel = {
      input: { type: 'float16', dims: ['N', 3, 8, 8] },
      outputs: [{ name: 'halved', type: 'float16', dims: ['N', 3, 4, 4] }],
      nodes: [
        node('Cast', ['pixels'], 'float', { to: 1 }),
        pool('float', 'mean'),
        node('Cast', ['mean'], 'halved', { to: 10 }),
      ],
    };
    const { data } = await features(model, images, { preprocessing: 'rescale' });
    expectClose(
      data,
      halved(images, (v) => v / 255),
      2e-3,
    );
  });

  test('float NHWC images stay as they are laid out', async () => {
    const model: SmallModel = {
      input: { dims: ['N', 8, 8, 3] },
      outputs: [{ name: 'halved', dims: ['N', 4, 4, 3] }],
      nodes: [
        node('Transpose', ['pixels'], 'nchw', { perm: [0, 3, 1, 2] }),
        pool('nchw', 'pooled'),
        node('Transpose', ['pooled'], 'halved', { perm: [0, 2, 3, 1] }),
      ],
    };
    const { shape, data } = await features(model, images, { preprocessing: 'rescale' });
    expect(shape).toEqual([4, 4, 3]);
    expectClose(
      data,
      halved(images, (v) => v / 255),
    );
  });

  test('output_layout in the metadata decides the layout of the features', async () => {
    const model: SmallModel = {
      outputs: [{ name: 'halved', dims: ['N', 4, 4, 3] }],
      nodes: [
        pool('pixels', 'pooled'),
        node('Transpose', ['pooled'], 'halved', { perm: [0, 2, 3, 1] }),
      ],
      metadata: { preprocessing: 'rescale', output_layout: 'NHWC' },
    };
    expectClose(
      (await features(model, images)).data,
      halved(images, (v) => v / 255),
    );
  });

  test('a vector is a backbone too', async () => {
    const model: SmallModel = {
      outputs: [{ name: 'flat', dims: ['N', 48] }],
      nodes: [pool('pixels', 'pooled'), node('Flatten', ['pooled'], 'flat', { axis: 1 })],
      metadata: { preprocessing: 'rescale' },
    };
    const { shape, data } = await features(model, images);
    expect(shape).toEqual([48]);
    expect(data.length).toBe(3 * 48);
  });

  test('a model of one image at a time takes many', async () => {
    const model: SmallModel = {
      input: { dims: [1, 3, 8, 8] },
      outputs: [{ name: 'halved', dims: [1, 3, 4, 4] }],
    };
    const { data } = await features(model, images, { preprocessing: 'rescale' });
    expectClose(
      data,
      halved(images, (v) => v / 255),
    );
  });

  test('a model of any size takes 224x224', async () => {
    const model: SmallModel = {
      input: { dims: ['N', 3, 'H', 'W'] },
      outputs: [{ name: 'halved', dims: ['N', 3, 'h', 'w'] }],
    };
    const file = await locate(model, { preprocessing: 'rescale' });
    await using backbone = await Backbone.open(file, { device: 'cpu' });
    expect(backbone.info.input).toEqual({ height: 224, width: 224 });
    expect(backbone.info.featureShape).toEqual([112, 112, 3]);
  });

  test.each([
    ['num_channels', { dims: ['batch', 'num_channels', 'height', 'width'] }, 'NCHW'],
    ['C', { dims: ['N', 'H', 'W', 'C'] }, 'NHWC'],
  ] as const)(
    'a model that only names its dimensions has its colours at %s',
    async (_, input, layout) => {
      const turn = (from: string, to: string, perm: readonly number[]) =>
        layout === 'NHWC' ? node('Transpose', [from], to, { perm }) : node('Identity', [from], to);
      const model: SmallModel = {
        input,
        outputs: [{ name: 'halved', dims: ['N', 'a', 'b', 'c'] }],
        nodes: [
          turn('pixels', 'nchw', [0, 3, 1, 2]),
          pool('nchw', 'pooled'),
          turn('pooled', 'halved', [0, 2, 3, 1]),
        ],
      };
      const file = await locate(model, { preprocessing: 'rescale' });
      await using backbone = await Backbone.open(file, { device: 'cpu' });
      expect(backbone.info.input).toEqual({ height: 224, width: 224 });
      expect(backbone.info.featureShape).toEqual([112, 112, 3]);
    },
  );

  test('a model of any size takes the size that is asked for', async () => {
    const path = await write({
      input: { dims: ['N', 3, 'H', 'W'] },
      outputs: [{ name: 'halved', dims: ['N', 3, 'h', 'w'] }],
    });
    const options = { modelsDir, preprocessing: 'rescale' } as const;
    const file = await locateBackbone(path, { ...options, imageSize: 64 });
    await using backbone = await Backbone.open(file, { device: 'cpu' });
    expect(backbone.info.input).toEqual({ height: 64, width: 64 });
    expect(backbone.info.featureShape).toEqual([32, 32, 3]);
    expect(file.path).not.toBe((await locateBackbone(path, options)).path);
  });

  test('of several outputs, the one called features is taken', async () => {
    const model: SmallModel = {
      outputs: [
        { name: 'other', dims: ['N', 3, 8, 8] },
        { name: 'features', dims: ['N', 3, 4, 4] },
      ],
      nodes: [node('Relu', ['pixels'], 'other'), pool('pixels', 'features')],
    };
    const { data } = await features(model, images, { preprocessing: 'rescale' });
    expectClose(
      data,
      halved(images, (v) => v / 255),
    );
  });

  test('tensors of its own may have the names of ours', async () => {
    const model: SmallModel = {
      nodes: [
        node('Identity', ['pixels'], 'image'),
        node('Mul', ['image', 'preprocess/scale'], 'features'),
        node('Identity', ['features'], 'preprocessed'),
        pool('preprocessed', 'halved'),
      ],
      initializers: [floatTensor('preprocess/scale', [], [2])],
    };
    const { data } = await features(model, images, { preprocessing: 'rescale' });
    expectClose(
      data,
      halved(images, (v) => (2 * v) / 255),
    );
  });

  test('the same file gives the same backbone, under another name and in another folder', async () => {
    const path = await write({});
    const first = await locateBackbone(path, { modelsDir, preprocessing: 'torch' });
    const copy = join(folder.path, 'copy.onnx');
    await copyFile(path, copy);
    const other = join(folder.path, 'other-models');
    const second = await locateBackbone(copy, { modelsDir: other, preprocessing: 'torch' });
    expect(second.sha256).toBe(first.sha256);
    expect(second.name).toBe('copy');
    const third = await locateBackbone(path, { modelsDir, preprocessing: 'rescale' });
    expect(third.sha256).not.toBe(first.sha256);
  });

  test('a file of the form of our own is taken as it is', async () => {
    const file = await locateBackbone(tinyBackbone, { modelsDir });
    expect(file).toMatchObject({ path: tinyBackbone, name: 'tiny', untrained: false });
    expect(file.preprocessing).toBe('rescale');
  });
});

describe('what cannot be a backbone is refused with the reason', () => {
  const refusals: [string, SmallModel, RegExp][] = [
    ['float pixels without a word on preprocessing', {}, /`preprocess`/],
    ['two inputs', { extraInputs: ['scale'] }, /it has 2 inputs/],
    [
      'an input of text',
      { input: { type: 'string', dims: ['N', 3, 8, 8] } },
      /neither uint8 nor float/,
    ],
    ['an input of rank 2', { input: { dims: ['N', 192] } }, /"pixels" has 2 dimensions/],
    [
      'one colour channel',
      { input: { dims: ['N', 1, 8, 8] } },
      /\[\?, 1, 8, 8\], without 3 colour/,
    ],
    ['a fixed number of images', { input: { dims: [16, 3, 8, 8] } }, /exactly 16 images/],
    [
      'two outputs of which none is called features',
      {
        outputs: [
          { name: 'a', dims: ['N', 3, 4, 4] },
          { name: 'b', dims: ['N', 3, 4, 4] },
        ],
      },
      /2 outputs \(a, b\) and none is called "features"/,
    ],
    [
      'an output of rank 3',
      { outputs: [{ name: 'halved', dims: ['N', 3, 16] }] },
      /"halved" gives tokens, \[\?, 3, 16\]: choose `tokens`/,
    ],
    [
      'an output of whole numbers',
      { outputs: [{ name: 'halved', type: 'int64', dims: ['N', 3, 4, 4] }] },
      /"halved" is not float/,
    ],
  ];
  test.each(refusals)('%s', async (_, model, reason) => {
    const error = await locate(model).catch((e: unknown) => e);
    expect(error).toMatchObject({
      code: 'BACKBONE_UNSUITABLE',
      message: expect.stringMatching(reason),
    });
  });

  test('a file that is not ONNX', async () => {
    const path = join(folder.path, 'text.onnx');
    await writeFile(path, 'not a model at all');
    await expect(locateBackbone(path, { modelsDir })).rejects.toMatchObject({
      code: 'BACKBONE_UNSUITABLE',
      message: expect.stringContaining('is not an ONNX file'),
    });
  });

  test('a file that is not there', async () => {
    const path = join(folder.path, 'nowhere.onnx');
    await expect(locateBackbone(path, { modelsDir })).rejects.toMatchObject({
      code: 'BACKBONE_UNSUITABLE',
      message: expect.stringContaining(path),
    });
  });

  test('a file that was cut off', async () => {
    const bytes = await readFile(tinyBackbone);
    const path = join(folder.path, 'cut.onnx');
    await writeFile(path, bytes.subarray(0, bytes.length / 2));
    await expect(locateBackbone(path, { modelsDir })).rejects.toMatchObject({
      code: 'BACKBONE_UNSUITABLE',
    });
  });

  test('a graph that ONNX Runtime refuses', async () => {
    const file = await locate(
      { nodes: [node('NoSuchOperator', ['pixels'], 'halved')] },
      { preprocessing: 'none' },
    );
    await expect(Backbone.open(file, { device: 'cpu' })).rejects.toMatchObject({
      code: 'BACKBONE_UNSUITABLE',
      message: expect.stringContaining('NoSuchOperator'),
    });
  });

  test('--preprocess for a model that takes uint8 pixels', async () => {
    await expect(
      locateBackbone(tinyBackbone, { modelsDir, preprocessing: 'caffe' }),
    ).rejects.toMatchObject({ code: 'USAGE', message: expect.stringContaining('`preprocess`') });
  });
});

test('vgg16 that was not pulled is missing, and the sentence says how to get it', async () => {
  const empty = join(folder.path, 'empty');
  await mkdir(empty);
  await expect(locateBackbone('vgg16', { modelsDir: empty })).rejects.toMatchObject({
    code: 'WEIGHTS_MISSING',
    message: expect.stringContaining('`pullWeights()`'),
  });
});

const mobilenet = sharedPath('weights/mobilenetv2.onnx');
test.skipIf(mobilenet === undefined)(
  'a trained MobileNetV2 gives features of its shape',
  async () => {
    const file = await locateBackbone(mobilenet as string, { modelsDir });
    await using backbone = await Backbone.open(file, { device: 'cpu' });
    expect(backbone.info.featureShape).toEqual([7, 7, 1280]);
    const data = await backbone.run(someImages(2, 224), 2);
    expect(data.length).toBe(2 * 7 * 7 * 1280);
    expect(data.every(Number.isFinite)).toBe(true);
    expect(data.some((v) => v > 0)).toBe(true);
  },
);
