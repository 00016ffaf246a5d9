import { join } from 'node:path';
import { FeatureStore, type LayerSpec, Trainer } from '@headstart/native';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Backbone, locateBackbone } from '#core/backbone';
import { appendHead, appendHeadParts } from '#core/onnx';
import { decodeModel } from '../../../packages/core/dist/onnx/onnx-model.js';
import { type TemporaryFolder, temporaryFolder } from '../../util/workspace.ts';
import {
  floatTensor,
  node,
  pool,
  type SmallModel,
  someImages,
  writeSmallModel,
} from '../backbone/models.ts';

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

const classes = ['amber', 'grün', 'red'];
const [size, count] = [14, 5];

const convolutional: LayerSpec[] = [
  { type: 'conv2d', name: 'conv2d', filters: 5, kernelSize: 3, activation: 'relu' },
  { type: 'max_pool2d' },
  { type: 'conv2d', name: 'conv2d_1', filters: 4, kernelSize: 1, activation: 'relu' },
  { type: 'dropout', rate: 0.5 },
  { type: 'flatten' },
  { type: 'dense', name: 'dense', units: 6, activation: 'relu' },
  { type: 'dense', name: 'dense_1', units: 3 },
];
const averaging: LayerSpec[] = [
  { type: 'global_average_pool2d' },
  { type: 'dense', name: 'dense', units: 3, activation: 'linear' },
];
const vectorial: LayerSpec[] = [
  { type: 'flatten' },
  { type: 'dense', name: 'dense', units: 4, activation: 'relu' },
  { type: 'dense', name: 'dense_1', units: 3 },
];

const map: SmallModel = {
  input: { dims: ['N', 3, size, size] },
  outputs: [{ name: 'halved', dims: ['N', 3, 7, 7] }],
};
const vector: SmallModel = {
  input: { dims: ['N', 3, size, size] },
  outputs: [{ name: 'flat', dims: ['N', 147] }],
  nodes: [pool('pixels', 'pooled'), node('Flatten', ['pooled'], 'flat', { axis: 1 })],
};
/** Its own tensors and nodes are called as those of the head. */
const clashing: SmallModel = {
  ...map,
  nodes: [
    node('Mul', ['pixels', 'head/labels'], 'probabilities'),
    node('Identity', ['probabilities'], 'label'),
    pool('label', 'halved'),
  ],
  initializers: [floatTensor('head/labels', [], [1])],
};
const old: SmallModel = { ...map, opset: 9 };

test.each<[string, SmallModel, LayerSpec[]]>([
  ['a convolutional head on a map of odd size', map, convolutional],
  ['an averaging head', map, averaging],
  ['a head on vectors', vector, vectorial],
  ['a head on a model that uses its names', clashing, convolutional],
  ['a head on a model of an old opset', old, averaging],
])('%s gives the probabilities of the trainer, in plain ONNX Runtime', async (_, model, layers) => {
  const path = await writeSmallModel(join(folder.path, 'model.onnx'), model);
  const file = await locateBackbone(path, { modelsDir: folder.path, preprocessing: 'rescale' });
  const images = someImages(count, size);
  const { probabilities, weights } = await trained(file, images, layers);
  const metadata = { run: 'a test' };
  const head = { layers, weights, classes, metadata };
  const bytes = await appendHead(file.path, head);
  const parts = Buffer.concat(await appendHeadParts(file.path, head));
  expect(decodeModel(parts, 'parts').toJSON()).toEqual(decodeModel(bytes, 'bytes').toJSON());

  const session = await InferenceSession.create(bytes);
  expect(session.inputNames).toEqual(['image']);
  expect(session.outputNames).toEqual(['probabilities', 'label']);
  const image = new Tensor('uint8', images, [count, size, size, 3]);
  const output = await session.run({ image });
  const own = output.probabilities?.data as Float32Array;
  expect(output.probabilities?.dims).toEqual([count, 3]);
  own.forEach((p, i) => {
    expect(Math.abs(p - (probabilities[i] as number))).toBeLessThan(1e-5);
  });
  const best = Array.from({ length: count }, (_, i) => {
    const row = probabilities.subarray(3 * i, 3 * i + 3);
    return classes[row.indexOf(Math.max(...row))];
  });
  expect(output.label?.data).toEqual(best);
  await session.release();
});

/** What the trainer says of the images' features, with its initial weights. */
async function trained(
  file: Awaited<ReturnType<typeof locateBackbone>>,
  images: Uint8Array,
  layers: LayerSpec[],
) {
  await using backbone = await Backbone.open(file, { device: 'cpu' });
  const features = await backbone.run(images, count);
  const [h = 1, w = 1, c = 1] = backbone.info.featureShape;
  const shape = [h, w, c] as const;
  const inputShape = backbone.info.featureShape.length === 1 ? ([1, 1, h] as const) : shape;
  using store = new FeatureStore({ shape: inputShape, capacity: count, dtype: 'float32' });
  store.append(features);
  using trainer = new Trainer({
    inputShape,
    layers,
    classes: 3,
    heads: [{ seed: 3, learningRate: 1e-3 }],
  });
  const rows = Int32Array.from({ length: count }, (_, i) => i);
  return { probabilities: await trainer.predict({ store, rows }), weights: trainer.getWeights() };
}

test('a head without its weights is refused', async () => {
  const path = await writeSmallModel(join(folder.path, 'model.onnx'), map);
  const file = await locateBackbone(path, { modelsDir: folder.path, preprocessing: 'rescale' });
  await expect(
    appendHead(file.path, { layers: averaging, weights: {}, classes, metadata: {} }),
  ).rejects.toMatchObject({ code: 'WEIGHTS_INVALID' });
});
