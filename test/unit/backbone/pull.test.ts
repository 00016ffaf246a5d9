import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import h5wasm from 'h5wasm/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Backbone, type BackboneFile, pullVgg16 } from '#core/backbone';
import { writeSafetensors } from '#core/base/safetensors';
import { formulaWeights, vgg16Layers, writeKerasFile } from '../../util/formula.ts';
import { type TemporaryFolder, temporaryFolder } from '../../util/workspace.ts';
import { sendPart, sendRest, serve } from './server.ts';

let folder: TemporaryFolder;
/** The file that every layout of the same weights must give. */
let reference: string;
let pulled: BackboneFile;
let keras: string;
let count = 0;

beforeAll(async () => {
  folder = await temporaryFolder();
  keras = join(folder.path, 'keras.h5');
  await writeKerasFile(keras);
  pulled = await pull(keras);
  reference = await graphDigest(pulled.path);
});
afterAll(() => folder[Symbol.asyncDispose]());

const pull = (from: string, preprocess?: 'caffe' | 'torch' | 'rescale') =>
  pullVgg16({ modelsDir: join(folder.path, `models-${count++}`), from, preprocess });

/** Digest of a model without its metadata, which name the source: they stand at the file's end. */
async function graphDigest(path: string): Promise<string> {
  const bytes = await readFile(path);
  const end = bytes.indexOf('source');
  expect(end).toBeGreaterThan(50_000_000);
  return createHash('sha256').update(bytes.subarray(0, 50_000_000)).digest('hex');
}

const turnedKernels = new Map<number, Float32Array>();

/** The kernel as OIHW, turned once, and the bias. */
function torchvisionWeights(layer: number, inputs: number, outputs: number) {
  const { kernel, bias } = formulaWeights(layer, inputs, outputs);
  const turned = turnedKernels.get(layer) ?? new Float32Array(kernel.length);
  if (!turnedKernels.has(layer)) {
    for (let o = 0; o < outputs; o++) {
      for (let c = 0; c < inputs; c++) {
        for (let t = 0; t < 9; t++) {
          turned[(o * inputs + c) * 9 + t] = kernel[(t * inputs + c) * outputs + o] as number;
        }
      }
    }
    turnedKernels.set(layer, turned);
  }
  return { kernel: turned, bias };
}

/** torchvision's names and layout (OIHW) of the same weights. */
async function writeTorchvisionFile(path: string, skip?: string, dense = 12): Promise<void> {
  const places = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28];
  const tensors: Parameters<typeof writeSafetensors>[1] = {};
  const add = (name: string, shape: number[], values: Float32Array) => {
    const data = new Uint8Array(values.buffer);
    if (name !== skip) Object.assign(tensors, { [name]: { dtype: 'F32', shape, data } });
  };
  add('classifier.0.weight', [dense], new Float32Array(dense));
  for (const [i, [, inputs, outputs]] of vgg16Layers.entries()) {
    const { kernel, bias } = torchvisionWeights(i, inputs, outputs);
    add(`features.${places[i]}.weight`, [outputs, inputs, 3, 3], kernel);
    add(`features.${places[i]}.bias`, [outputs], bias);
  }
  await writeSafetensors(path, tensors);
}

/** The layout of Keras 3's `save_weights("….weights.h5")`: layers by number. */
function writeNumberedKerasFile(path: string): void {
  const file = new h5wasm.File(path, 'w');
  const layers = file.create_group('layers');
  for (const [i, [, inputs, outputs]] of vgg16Layers.entries()) {
    const group = layers.create_group(i === 0 ? 'conv2d' : `conv2d_${i}`).create_group('vars');
    const { kernel, bias } = formulaWeights(i, inputs, outputs);
    group.create_dataset({ name: '0', data: kernel, shape: [3, 3, inputs, outputs] });
    group.create_dataset({ name: '1', data: bias, shape: [outputs] });
  }
  file.close();
}

const failure = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);

describe('weights of VGG16 are read', () => {
  test('from the old file of Keras, with its names of weights', async () => {
    const path = join(folder.path, 'old.h5');
    await writeKerasFile(path, { oldNames: true });
    expect(await graphDigest((await pull(path)).path)).toBe(reference);
  });

  test('from a whole model with its top', async () => {
    const path = join(folder.path, 'whole.h5');
    await writeKerasFile(path, { wholeModel: true });
    expect(await graphDigest((await pull(path)).path)).toBe(reference);
  });

  test('from Keras 3, where layers are numbered', async () => {
    const path = join(folder.path, 'vgg16.weights.h5');
    writeNumberedKerasFile(path);
    expect(await graphDigest((await pull(path)).path)).toBe(reference);
  });

  test('from safetensors of torchvision, with the preprocessing of those weights', async () => {
    const path = join(folder.path, 'model.safetensors');
    await writeTorchvisionFile(path);
    expect((await pull(path)).preprocessing).toBe('torch');
    expect(await graphDigest((await pull(path, 'caffe')).path)).toBe(reference);
  });

  test('from an address; the file says where its weights are from, and the download goes', async () => {
    const bytes = await readFile(keras);
    await using server = await serve((request, response) => sendRest(request, response, bytes));
    const modelsDir = join(folder.path, 'from-address');
    const file = await pullVgg16({ modelsDir, from: `${server.url}/weights/some.h5` });
    expect(file).toMatchObject({ name: 'vgg16', untrained: false, preprocessing: 'caffe' });
    expect(file.source).toContain('/weights/some.h5');
    expect(await graphDigest(file.path)).toBe(reference);
    expect(await readdir(join(modelsDir, 'downloads'))).toEqual([]);
  });

  test('from an address of safetensors; the dense layers stay there', async () => {
    const path = join(folder.path, 'with-top.safetensors');
    await writeTorchvisionFile(path, undefined, 10_000_000);
    const bytes = await readFile(path);
    await using server = await serve((request, response) => sendPart(request, response, bytes));
    const modelsDir = join(folder.path, 'by-parts');
    const from = `${server.url}/model.safetensors`;
    const file = await pullVgg16({ modelsDir, from, preprocess: 'caffe' });
    expect(await graphDigest(file.path)).toBe(reference);
    const asked = server.ranges.map((range) => {
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
      return Number(last) + 1 - Number(first);
    });
    expect(asked.reduce((a, b) => a + b, 0)).toBeLessThan(59_500_000);
    expect(bytes.length).toBeGreaterThan(98_000_000);
    expect(await readdir(join(modelsDir, 'downloads'))).toEqual([]);
  });

  test('into the same bytes each time', async () => {
    expect((await pull(keras)).sha256).toBe(pulled.sha256);
  });

  test('into a file that takes uint8 images and gives features of 7x7x512', async () => {
    await using backbone = await Backbone.open(pulled, { device: 'cpu' });
    expect(backbone.info.input).toEqual({ height: 224, width: 224 });
    expect(backbone.info.featureShape).toEqual([7, 7, 512]);
  });
});

describe('weights that do not serve are refused with the reason, and nothing is written', () => {
  async function refusal(name: string, content: string | Uint8Array, from = name) {
    await writeFile(join(folder.path, name), content);
    const modelsDir = join(folder.path, `models-${count++}`);
    const error = await failure(pullVgg16({ modelsDir, from: join(folder.path, from) }));
    expect(await readdir(modelsDir).catch(() => [])).toEqual([]);
    return error;
  }

  test.each(['vgg16.pth', 'vgg16.pt', 'vgg16.pkl', 'pytorch_model.bin'])('%s', async (name) => {
    expect(await refusal(name, 'PK')).toMatchObject({
      code: 'WEIGHTS_INVALID',
      message: expect.stringMatching(/pickle file.*\.safetensors/),
    });
  });

  test('a pickle under another name', async () => {
    expect(await refusal('disguised.h5', Buffer.from([0x80, 2, 0x7d]))).toMatchObject({
      message: expect.stringContaining('pickle file'),
    });
  });

  test.skipIf(process.platform === 'win32')('a pipe, which nobody may ever write to', async () => {
    const path = join(folder.path, 'pipe.h5');
    execFileSync('mkfifo', [path]);
    expect(await failure(pull(path))).toMatchObject({
      code: 'WEIGHTS_INVALID',
      message: `Cannot read ${path}: it is not a regular file.`,
    });
  });

  test('a download that is none by its address: the file is removed', async () => {
    await using server = await serve((request, response) => {
      sendRest(request, response, Buffer.from('<html>Please log in</html>'));
    });
    const url = `${server.url}/vgg16.weights`;
    expect(await failure(pull(url))).toMatchObject({
      code: 'WEIGHTS_INVALID',
      message: `${url} is neither a Keras .h5 file nor safetensors: give one of these.`,
    });
  });

  test('a .keras archive', async () => {
    expect(await refusal('vgg16.keras', 'PK\u0003\u0004')).toMatchObject({
      message: expect.stringContaining('save_weights'),
    });
  });

  test('text', async () => {
    expect(await refusal('notes.txt', 'VGG16 was here, once')).toMatchObject({
      code: 'WEIGHTS_INVALID',
      message: expect.stringContaining('neither a Keras .h5 file nor safetensors'),
    });
  });

  test('a file that Keras publishes, in another size', async () => {
    const name = 'vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5';
    expect(await refusal(name, await readFile(keras))).toMatchObject({
      code: 'WEIGHTS_INVALID',
      message: expect.stringContaining('not 58889256'),
    });
  });

  test('an .h5 file that was cut off', async () => {
    const path = join(folder.path, 'cut.h5');
    await writeFile(path, await readFile(keras));
    await truncate(path, 40_000_000);
    expect(await failure(pull(path))).toMatchObject({ code: 'WEIGHTS_INVALID' });
  });

  test('safetensors without one of the tensors', async () => {
    const path = join(folder.path, 'lacking.safetensors');
    await writeTorchvisionFile(path, 'features.21.bias');
    expect(await failure(pull(path))).toMatchObject({
      code: 'WEIGHTS_INVALID',
      message: expect.stringContaining('features.21.bias'),
    });
  });

  test('an .h5 file of another network', async () => {
    const path = join(folder.path, 'other.h5');
    const file = new h5wasm.File(path, 'w');
    file.create_attribute('layer_names', ['block1_conv1']);
    const group = file.create_group('block1_conv1');
    group.create_attribute('weight_names', ['kernel:0', 'bias:0']);
    group.create_dataset({ name: 'kernel:0', data: new Float32Array(96), shape: [1, 1, 3, 32] });
    group.create_dataset({ name: 'bias:0', data: new Float32Array(32), shape: [32] });
    file.close();
    expect(await failure(pull(path))).toMatchObject({
      code: 'WEIGHTS_INVALID',
      message: expect.stringContaining('1x1x3x32, not 3x3x3x64'),
    });
  });

  test('a file that is not there', async () => {
    expect(await failure(pull(join(folder.path, 'nowhere.h5')))).toMatchObject({
      code: 'WEIGHTS_INVALID',
      message: expect.stringContaining('nowhere.h5'),
    });
  });
});
