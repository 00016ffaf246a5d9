import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { Backbone, type BackboneFile, type LocateOptions } from '#core/backbone';
import { decodeModel, halfModel, readOutline } from '#core/onnx';
import { int64Tensor } from '../../../packages/core/src/onnx/onnx-model.ts';
import { modelFolder } from './model-folder.ts';
import {
  floatTensor,
  type GraphNode,
  meanColours,
  node,
  pool,
  type SmallModel,
  someImages,
} from './models.ts';

const models = modelFolder();

const images = someImages(2, 8);
/** What the classifiers below are given. */
const colours = meanColours(images, 8).flat();

const mean = node('ReduceMean', ['pixels'], 'mean', { axes: [2, 3], keepdims: 0 });
const weights = [
  floatTensor(
    'kernel',
    [3, 5],
    Float32Array.from({ length: 15 }, (_, i) => i - 7),
  ),
  floatTensor(
    'turned',
    [5, 3],
    Float32Array.from({ length: 15 }, (_, i) => i - 7),
  ),
  floatTensor('bias', [5], [1, 2, 3, 4, 5]),
  int64Tensor('rows', [-1, 5]),
];

function classifier(nodes: readonly GraphNode[], more: SmallModel = {}): SmallModel {
  return {
    metadata: { preprocessing: 'none' },
    outputs: [{ name: 'scores', dims: ['N', 5] }],
    nodes: [mean, ...nodes],
    initializers: weights,
    ...more,
  };
}

async function locate(model: SmallModel, options: Partial<LocateOptions> = {}) {
  return models.locate(await models.write(model), { cutClassifier: true, ...options });
}

async function expectMeanColours(file: BackboneFile) {
  await using backbone = await Backbone.open(file, { device: 'cpu' });
  expect(backbone.info.featureShape).toEqual([3]);
  const features = await backbone.run(images, 2);
  colours.forEach((value, i) => {
    expect(features[i]).toBeCloseTo(value, 3);
  });
  return backbone.info;
}

describe('a classifier whose last dense layer is', () => {
  const named = (name: string, one: GraphNode): GraphNode => ({ ...one, name });
  const product = node('MatMul', ['mean', 'kernel'], 'scores');
  const to = (name: string) => node('MatMul', ['mean', 'kernel'], name);

  test.each<[string, string, GraphNode[]]>([
    ['a Gemm', 'fc', [named('fc', node('Gemm', ['mean', 'kernel', 'bias'], 'scores'))]],
    [
      'a Gemm of turned weights',
      'scores',
      [node('Gemm', ['mean', 'turned'], 'scores', { transB: 1 })],
    ],
    ['a MatMul', 'scores', [product]],
    ['a MatMul without a name', 'scores', [named('', product)]],
    ['a MatMul and an Add', 'product', [to('product'), node('Add', ['product', 'bias'], 'scores')]],
    ['an Add of a MatMul', 'product', [to('product'), node('Add', ['bias', 'product'], 'scores')]],
    ['followed by a softmax', 'product', [to('product'), node('Softmax', ['product'], 'scores')]],
    [
      'followed by a softmax and other axes',
      'product',
      [
        to('product'),
        node('Softmax', ['product'], 'probabilities'),
        node('Reshape', ['probabilities', 'rows'], 'shaped'),
        node('Flatten', ['shaped'], 'scores'),
      ],
    ],
    [
      'one with weights that a node hands on',
      'scores',
      [
        node('Transpose', ['turned'], 'weights', { perm: [1, 0] }),
        node('MatMul', ['mean', 'weights'], 'scores'),
      ],
    ],
  ])('%s gives what the layer is given', async (_, layer, nodes) => {
    const model = classifier(nodes);
    const cut = await locate(model);
    expect(cut.cutLayer).toBe(layer);
    await expectMeanColours(cut);
    // What follows is not computed, nor kept.
    const { graph } = await readOutline(cut.path);
    const types = graph?.node?.map(({ opType }) => opType);
    for (const type of ['Gemm', 'MatMul', 'Softmax']) expect(types).not.toContain(type);
    expect(graph?.initializer?.map(({ name }) => name)).not.toContain('kernel');
  });
});

const scores = node('MatMul', ['mean', 'kernel'], 'scores');

test('a cut classifier and a whole one are two backbones', async () => {
  const [cut, whole] = [
    await locate(classifier([scores])),
    await locate(classifier([scores]), { cutClassifier: false }),
  ];
  expect(cut.sha256).not.toBe(whole.sha256);
  expect(whole.cutLayer).toBeUndefined();
});

test('one of several outputs can be that of a classifier', async () => {
  const two = classifier([pool('pixels', 'map'), scores], {
    outputs: [
      { name: 'map', dims: ['N', 3, 4, 4] },
      { name: 'scores', dims: ['N', 5] },
    ],
  });
  await expectMeanColours(await locate(two, { output: 'scores' }));
  await expect(locate(two)).rejects.toThrow('choose one with `output`');
  await expect(locate(two, { output: 'map' })).rejects.toThrow('is not a classifier that ends in');
});

test('of several dense layers the last is cut off, then the one before', async () => {
  const deep = classifier([
    node('MatMul', ['mean', 'square'], 'hidden'),
    node('MatMul', ['hidden', 'kernel'], 'scores'),
  ]);
  const identity = floatTensor('square', [3, 3], [1, 0, 0, 0, 1, 0, 0, 0, 1]);
  const first = await locate({ ...deep, initializers: [...weights, identity] });
  expect(first.cutLayer).toBe('scores');
  const second = await models.locate(first.path, { cutClassifier: true });
  expect(second.cutLayer).toBe('hidden');
  await expectMeanColours(second);
});

test('constants may be declared as inputs, as older exporters do', async () => {
  const file = await locate(classifier([scores], { extraInputs: ['kernel', 'bias'] }));
  await expectMeanColours(file);
});

test('the float16 form remembers the layer', async () => {
  const convolution = node('Conv', ['pixels', 'filter'], 'filtered');
  const ofFiltered = node('ReduceMean', ['filtered'], 'colours', { axes: [2, 3], keepdims: 0 });
  const cut = await locate({
    ...classifier([]),
    nodes: [convolution, ofFiltered, node('MatMul', ['colours', 'kernel'], 'scores')],
    initializers: [...weights, floatTensor('filter', [3, 3, 1, 1], [1, 0, 0, 0, 1, 0, 0, 0, 1])],
  });
  const half = halfModel(decodeModel(await readFile(cut.path), cut.path), cut.path, {});
  const entries = decodeModel(half, 'half').metadataProps?.map(({ key, value }) => [key, value]);
  expect(entries).toContainEqual(['cut_layer', 'scores']);
});

describe('a model is refused that', () => {
  const refused = {
    code: 'USAGE',
    message: expect.stringMatching(
      /^\S+ is not a classifier that ends in a dense layer \(its output "scores" does not come from one\): leave out `cutClassifier`\.$/,
    ),
  };

  test.each<[string, readonly GraphNode[], SmallModel?]>([
    ['ends in something else', [node('Mul', ['mean', 'mean'], 'scores')]],
    [
      'ends in a sum of two branches',
      [node('MatMul', ['mean', 'square'], 'made'), node('Add', ['mean', 'made'], 'scores')],
    ],
    [
      'multiplies two tensors that both come from the image',
      [
        node('Transpose', ['mean'], 'columns', { perm: [1, 0] }),
        node('MatMul', ['columns', 'mean'], 'scores'),
      ],
    ],
    [
      'gives scores of each place',
      [node('MatMul', ['pixels', 'wide'], 'scores')],
      { outputs: [{ name: 'scores', dims: ['N', 3, 8, 5] }] },
    ],
  ])('%s', async (_, nodes, more) => {
    await expect(locate(classifier(nodes, more))).rejects.toMatchObject(refused);
  });

  test('is of our own', async () => {
    await expect(models.locate('vgg16-untrained', { cutClassifier: true })).rejects.toThrow(
      'leave out `cutClassifier`',
    );
  });

  test('gives no tokens, where some are chosen', async () => {
    await expect(locate(classifier([scores]), { tokens: 'cls' })).rejects.toThrow(
      'leave out `tokens`',
    );
  });
});

describe('the note on class scores', () => {
  const large = floatTensor('large', [3, 1000], new Float32Array(3000).fill(0.01));
  const remark = async (model: SmallModel, options: Partial<LocateOptions> = {}) => {
    const file = await locate(model, { cutClassifier: false, ...options });
    await using backbone = await Backbone.open(file, { device: 'cpu' });
    return backbone.info.remark;
  };
  const thousand = classifier([node('MatMul', ['mean', 'large'], 'scores')], {
    outputs: [{ name: 'scores', dims: ['N', 1000] }],
    initializers: [large],
  });

  test('names `cutClassifier` where it can help, and is gone with it', async () => {
    expect(await remark(thousand)).toMatch(/scores of classes .*, which `cutClassifier` gives\.$/);
    expect(await remark(thousand, { cutClassifier: true })).toBeUndefined();
    const softmax = classifier([node('Softmax', ['mean'], 'scores')], {
      outputs: [{ name: 'scores', dims: ['N', 3] }],
    });
    expect(await remark(softmax)).toMatch(/before its classifier\.$/);
  });
});
