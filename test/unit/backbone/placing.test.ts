import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { Backbone, type LocateOptions } from '#core/backbone';
import { int64Tensor } from '../../../packages/core/src/onnx/onnx-model.ts';
import { relativeError } from '../../native/support/heads.ts';
import { modelFolder } from './model-folder.ts';
import { floatTensor, type GraphNode, node, pool, type SmallModel, someImages } from './models.ts';

const models = modelFolder();

/** A model under a name of its own, of preprocessing `rescale`. */
const write = (model: SmallModel) =>
  models.write({ metadata: { preprocessing: 'rescale' }, ...model });

async function locate(model: SmallModel, options: Partial<LocateOptions> = {}) {
  const path = await write(model);
  return { path, file: models.locate(path, options) };
}

const images = someImages(3, 8);
const imageBytes = images.length / 3;

/** Features of all images at once, and of each alone. */
async function inBatchAndAlone(model: SmallModel, options?: Partial<LocateOptions>) {
  await using backbone = await Backbone.open(await (await locate(model, options)).file, {
    device: 'cpu',
  });
  const alone = [];
  for (let i = 0; i < 3; i++) {
    alone.push(...(await backbone.run(images.subarray(i * imageBytes, (i + 1) * imageBytes), 1)));
  }
  return { together: await backbone.run(images, 3), alone: Float32Array.from(alone) };
}

const channels = (value: number) => [value, value, value];
const statistics = [
  floatTensor('scale', [3], channels(1)),
  floatTensor('bias', [3], channels(0)),
  floatTensor('mean', [3], channels(0.5)),
  floatTensor('variance', [3], channels(0.25)),
];
const normalized = (attributes: Readonly<Record<string, number>>, more: readonly string[] = []) => {
  const one = node(
    'BatchNormalization',
    ['pixels', 'scale', 'bias', 'mean', 'variance'],
    'normalized',
    attributes,
  );
  return { ...one, name: 'bn1', output: ['normalized', ...more] };
};
const dropped = { ...node('Dropout', ['pixels', 'ratio', 'mode'], 'dropped'), name: 'drop' };
const bool = (value: 0 | 1) => ({
  name: 'mode',
  dims: [],
  dataType: 9,
  rawData: Uint8Array.of(value),
});
const ratio = floatTensor('ratio', [], [0.5]);
const constant = (value: 0 | 1): GraphNode => ({
  ...node('Constant', [], 'mode'),
  attribute: [{ name: 'value', type: 4, t: bool(value) }],
});

describe('a layer in training mode is refused by its name, with the way out', () => {
  const batchNorm = normalized({ training_mode: 1 }, ['running_mean', 'running_variance']);
  const inTraining: [string, SmallModel, RegExp][] = [
    [
      'BatchNormalization',
      { nodes: [batchNorm, pool('normalized', 'halved')], initializers: statistics },
      /its BatchNormalization "bn1" is in training mode, so that the features of an image would/,
    ],
    [
      'BatchNormalization inside an If',
      {
        nodes: [
          {
            ...node('If', ['mode'], 'normalized'),
            attribute: ['then_branch', 'else_branch'].map((name) => ({
              name,
              type: 5,
              g: { name, node: [batchNorm], output: [{ name: 'normalized' }] },
            })),
          },
          pool('normalized', 'halved'),
        ],
        initializers: [...statistics, bool(1)],
      },
      /its BatchNormalization "bn1" is in training mode/,
    ],
    [
      'BatchNormalization of an older opset, by its outputs',
      {
        opset: 9,
        nodes: [
          normalized({}, ['mean_out', 'variance_out', 'saved_mean', 'saved_variance']),
          pool('normalized', 'halved'),
        ],
        initializers: statistics,
      },
      /its BatchNormalization "bn1"/,
    ],
    [
      'Dropout, by a constant',
      { nodes: [dropped, pool('dropped', 'halved')], initializers: [ratio, bool(1)] },
      /its Dropout "drop" is in training mode, so that features would differ from run to run/,
    ],
    [
      'Dropout, by a Constant node',
      { nodes: [constant(1), dropped, pool('dropped', 'halved')], initializers: [ratio] },
      /its Dropout "drop"/,
    ],
  ];
  test.each(inTraining)('%s', async (_, model, message) => {
    const { path, file } = await locate(model);
    await expect(file).rejects.toMatchObject({
      code: 'BACKBONE_UNSUITABLE',
      message: expect.stringMatching(message),
    });
    await expect(file).rejects.toThrow(path);
    await expect(file).rejects.toThrow('in PyTorch, call model.eval() before.');
  });

  test('and one that is not is taken', async () => {
    const { file } = await locate({
      nodes: [
        normalized({ training_mode: 0 }),
        constant(0),
        node('Dropout', ['normalized', 'ratio', 'mode'], 'dropped'),
        pool('dropped', 'halved'),
      ],
      initializers: [...statistics, ratio],
    });
    expect((await file).name).toMatch(/^model-/);
  });
});

describe('features of an image that are not its own', () => {
  test.each([
    [
      'because they depend on the batch',
      [
        node('ReduceMean', ['pixels'], 'mean', { axes: [0], keepdims: 1 }),
        node('Sub', ['pixels', 'mean'], 'centred'),
        pool('centred', 'halved'),
      ],
      'its features of an image depend on the other images of the batch',
    ],
    [
      'because they are random',
      [
        node('RandomNormalLike', ['pixels'], 'noise'),
        node('Add', ['pixels', 'noise'], 'noisy'),
        pool('noisy', 'halved'),
      ],
      'its features of the same image differ from run to run',
    ],
  ])('are refused, %s', async (_, nodes, message) => {
    const { path, file } = await locate({ nodes });
    await expect(file).rejects.toMatchObject({
      code: 'BACKBONE_UNSUITABLE',
      message: expect.stringContaining(`${path} cannot be a backbone: ${message}`),
    });
    const names = await readdir(models.folder.at('models', 'adapted')).catch(() => []);
    expect(names.filter((name) => name.startsWith(path.match(/model-\d+/)?.[0] ?? ''))).toEqual([]);
  });

  test('are its own where numbers are quantized by the batch, as images come one by one', async () => {
    const { together, alone } = await inBatchAndAlone({
      nodes: [
        node('DynamicQuantizeLinear', ['pixels'], 'quantized'),
        node('DequantizeLinear', ['quantized', 'step', 'zero'], 'rounded'),
        pool('rounded', 'halved'),
      ].map((one, i) => (i === 0 ? { ...one, output: ['quantized', 'step', 'zero'] } : one)),
    });
    expect(together).toEqual(alone);
  });
});

test('a model that says any number of images and takes one is given one at a time', async () => {
  const shape = { initializers: [int64Tensor('shape', [1, 3, 8, 8])] };
  const nodes = [node('Reshape', ['pixels', 'shape'], 'shaped'), pool('shaped', 'halved')];
  const { together, alone } = await inBatchAndAlone({ ...shape, nodes });
  expect(together).toEqual(alone);
  const plain = await inBatchAndAlone({});
  expect(relativeError(together, plain.together)).toBeLessThan(1e-6);
  // The second time it is there, and still known.
  const path = await write({ ...shape, nodes });
  const first = await models.locate(path);
  expect(await models.locate(path)).toEqual(first);
});

describe('of several outputs', () => {
  const two: SmallModel = {
    outputs: [
      { name: 'map', dims: ['N', 3, 4, 4] },
      { name: 'pooled/vector', dims: ['N', 3] },
    ],
    nodes: [
      pool('pixels', 'map'),
      node('ReduceMean', ['map'], 'pooled/vector', { axes: [2, 3], keepdims: 0 }),
    ],
  };

  test('the one that is named gives the features', async () => {
    for (const [output, shape] of [
      ['map', [4, 4, 3]],
      ['pooled/vector', [3]],
    ] as const) {
      const { file } = await locate(two, { output });
      await using backbone = await Backbone.open(await file, { device: 'cpu' });
      expect(backbone.info.featureShape).toEqual(shape);
    }
    const path = await write(two);
    const [map, vector] = [
      await models.locate(path, { output: 'map' }),
      await models.locate(path, { output: 'pooled/vector' }),
    ];
    expect(map.path).not.toBe(vector.path);
    expect(map.sha256).not.toBe(vector.sha256);
  });

  test('none is taken by itself, and one that there is not is said with those that there are', async () => {
    await expect((await locate(two)).file).rejects.toThrow(
      'it has 2 outputs (map, pooled/vector) and none is called "features": choose one with `output`',
    );
    await expect((await locate(two, { output: 'logits' })).file).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('has no output "logits": it has map, pooled/vector.'),
    });
  });
});

test('what ONNX Runtime cannot run is said of the file that the user named', async () => {
  const { path, file } = await locate({ nodes: [node('NoSuchOperator', ['pixels'], 'halved')] });
  await expect(Backbone.open(await file, { device: 'cpu' })).rejects.toThrow(
    `ONNX Runtime cannot run ${path}: `,
  );
  await expect(Backbone.open(await file, { device: 'cpu' })).rejects.not.toThrow(
    models.folder.at('models'),
  );
  const tooNew = await locate({ opset: 99 });
  await expect(Backbone.open(await tooNew.file, { device: 'cpu' })).rejects.toThrow(
    `ONNX Runtime cannot run ${tooNew.path}: ONNX Runtime only *guarantees* support`,
  );
  const infinite = await locate({
    nodes: [
      node('Mul', ['pixels', 'zero'], 'black'),
      node('Div', ['black', 'zero'], 'nothing'),
      pool('nothing', 'halved'),
    ],
    initializers: [floatTensor('zero', [], [0])],
  });
  await expect(Backbone.open(await infinite.file, { device: 'cpu' })).rejects.toThrow(
    `${infinite.path} cannot be a backbone: its output for a black image is not finite.`,
  );
});
