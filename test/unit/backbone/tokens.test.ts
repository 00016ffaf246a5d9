import { describe, expect, test } from 'vitest';
import { Backbone, type LocateOptions } from '#core/backbone';
import { int64Tensor } from '../../../packages/core/src/onnx/onnx-model.ts';
import { modelFolder } from './model-folder.ts';
import { floatTensor, meanColours, node, type SmallModel, someImages } from './models.ts';

const models = modelFolder();

const images = someImages(2, 8);
/** Extra tokens before those of the patches: a class token, and one more as registers are. */
const extra = [
  [7, 8, 9],
  [1000, 1000, 1000],
];

/** An image in 2x2 patches of 4x4 pixels: their mean colours as tokens [N, extra + 4, 3]. */
function patchModel(
  before: readonly (readonly number[])[],
  { says = true, opset = 17 } = {},
): SmallModel {
  const identity = Float32Array.from({ length: 3 * 3 * 16 }, (_, i) =>
    Math.floor(i / 48) === Math.floor(i / 16) % 3 ? 1 / 16 : 0,
  );
  const cut = node('Conv', ['pixels', 'kernel'], 'patches', {
    kernel_shape: [4, 4],
    strides: [4, 4],
  });
  const extraOfAll = [
    node('Shape', ['pixels'], 'shape'),
    node('Gather', ['shape', 'first'], 'images'),
    node('Concat', ['images', 'rest'], 'extraShape', { axis: 0 }),
    node('Expand', ['extra', 'extraShape'], 'extraOfAll'),
    node('Concat', ['extraOfAll', 'turned'], 'tokens', { axis: 1 }),
  ];
  return {
    opset,
    metadata: { preprocessing: 'none' },
    outputs: [{ name: 'tokens', dims: ['N', says ? before.length + 4 : 'T', 3] }],
    nodes: [
      cut,
      node('Reshape', ['patches', 'flat'], 'flattened'),
      node('Transpose', ['flattened'], before.length > 0 ? 'turned' : 'tokens', {
        perm: [0, 2, 1],
      }),
      ...(before.length > 0 ? extraOfAll : []),
    ],
    initializers: [
      floatTensor('kernel', [3, 3, 4, 4], identity),
      int64Tensor('flat', [0, 3, -1]),
      ...(before.length > 0
        ? [
            int64Tensor('first', [0]),
            int64Tensor('rest', [before.length, 3]),
            floatTensor('extra', [1, before.length, 3], before.flat()),
          ]
        : []),
    ],
  };
}

async function features(model: SmallModel, options: Partial<LocateOptions>) {
  const file = await models.locate(await models.write(model), options);
  await using backbone = await Backbone.open(file, { device: 'cpu' });
  const data = await backbone.run(images, 2);
  return { shape: backbone.info.featureShape, data: [...data] };
}

/** The mean of each image's patches. */
const colours = meanColours(images, 8);
const [cls = []] = extra;

describe.each([
  ['that says how many tokens there are', { says: true }],
  ['that does not say it', { says: false }],
  ['of an older opset', { opset: 12 }],
])('a model %s', (_, form) => {
  test.each([
    ['cls', 3, [cls, cls]],
    ['mean', 3, colours],
    ['cls+mean', 6, colours.map((mean) => [...cls, ...mean])],
  ] as const)('gives %s of its tokens, without the registers', async (tokens, size, expected) => {
    const { shape, data } = await features(patchModel(extra, form), { tokens });
    expect(shape).toEqual([size]);
    expect(data).toHaveLength(2 * size);
    for (const [i, value] of expected.flat().entries()) expect(data[i]).toBeCloseTo(value, 3);
  });
});

test('without a class token the mean is that of all tokens, and the class token is refused', async () => {
  const { data } = await features(patchModel([]), { tokens: 'mean' });
  for (const [i, value] of colours.flat().entries()) expect(data[i]).toBeCloseTo(value, 3);
  await expect(features(patchModel([]), { tokens: 'cls' })).rejects.toThrow(
    'gives 4 tokens, one for each patch, and no class token: choose `tokens` mean.',
  );
});

test('patches that no convolution shows are not guessed', async () => {
  const model: SmallModel = {
    metadata: { preprocessing: 'none' },
    outputs: [{ name: 'tokens', dims: ['N', 64, 3] }],
    nodes: [
      node('Reshape', ['pixels', 'flat'], 'flattened'),
      node('Transpose', ['flattened'], 'tokens', { perm: [0, 2, 1] }),
    ],
    initializers: [int64Tensor('flat', [0, 3, -1])],
  };
  await expect(features(model, { tokens: 'mean' })).rejects.toThrow('choose `tokens` cls');
  expect((await features(model, { tokens: 'cls' })).data.slice(0, 3)).toEqual([
    ...images.subarray(0, 3),
  ]);
});

test('tokens must be chosen from, and nothing else can be', async () => {
  await expect(features(patchModel(extra), {})).rejects.toThrow(
    'its output "tokens" gives tokens, [?, 6, 3]: choose `tokens` cls, mean or cls+mean.',
  );
  await expect(
    features({ metadata: { preprocessing: 'none' } }, { tokens: 'cls' }),
  ).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('leave out `tokens`'),
  });
});
