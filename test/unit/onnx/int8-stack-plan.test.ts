import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Backbone, calibrate, describeFile } from '@headstart/core/backbone';
import { quantizeModel } from '@headstart/core/onnx';
import { int8Instructions } from '@headstart/native';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  hasInt8StackPlan,
  int8StackPlan,
} from '../../../packages/core/src/onnx/int8-stack-plan.ts';
import { hasMatrixUnit } from '../../../packages/core/src/onnx/matrix-unit.ts';
import { decodeModel, type Model } from '../../../packages/core/src/onnx/onnx-model.ts';
import { type TemporaryFolder, temporaryFolder } from '../../util/workspace.ts';
import { chainModel, conv, halve, type Parts, size } from '../backbone/chain-model.ts';
import { node, someImages } from '../backbone/models.ts';

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());
afterEach(() => vi.unstubAllEnvs());

const imageCount = 3;

async function quantized(parts?: Parts): Promise<Uint8Array> {
  const model = decodeModel(chainModel(parts), 'chain');
  const pixels = someImages(imageCount, size);
  const length = pixels.length / imageCount;
  const images = [0, 1, 2].map((i) => pixels.slice(i * length, (i + 1) * length));
  return quantizeModel(model, await calibrate(model, 'chain', images), {});
}

const planOf = (bytes: Uint8Array) =>
  int8StackPlan(decodeModel(bytes, 'chain') as Model, { height: size, width: size });

async function featuresWith(engine: string, bytes: Uint8Array) {
  vi.stubEnv('HEADSTART_ENGINE', engine);
  const path = join(folder.path, 'model.onnx');
  await writeFile(path, bytes);
  await using backbone = await Backbone.open(await describeFile(path), { device: 'cpu' });
  const data = await backbone.run(someImages(imageCount, size), imageCount);
  return { info: backbone.info, data };
}

/** ONNX Runtime keeps 8 bits where it has the matrix unit, or this processor sums no bytes. */
const own = int8Instructions() !== undefined && !hasMatrixUnit();
if (!own) console.log('skipped: int8 in our own kernels is not for this processor');

const after = [
  node('Transpose', ['three'], 'nhwc', { perm: [0, 2, 3, 1] }),
  node('Sub', ['nhwc', 'mean'], 'features'),
];

describe('a chain of 8-bit convolutions in our own kernels', () => {
  it('reads layers as they were quantized', async () => {
    const plan = planOf(await quantized());
    expect(plan?.rest).toBeUndefined();
    expect(plan?.layers.map(({ bias, pool, zeroPoint }) => [bias.length, pool, zeroPoint])).toEqual(
      [
        [32, false, 0],
        [16, true, 0],
        [48, false, 0],
      ],
    );
    expect(planOf(await quantized({ after }))?.rest?.input).toBe('nhwc');
  });

  it('is told by a model without its weights', async () => {
    const model = decodeModel(await quantized(), 'chain');
    for (const tensor of model.graph?.initializer ?? []) {
      if (tensor.dims?.length === 4) tensor.rawData = new Uint8Array(0);
    }
    expect(hasInt8StackPlan(model, { height: size, width: size })).toBe(true);
    const [kernel] = model.graph?.initializer?.filter(({ rawData }) => !rawData?.length) ?? [];
    if (kernel) delete (kernel as { rawData?: Uint8Array }).rawData;
    expect(hasInt8StackPlan(model, { height: size, width: size })).toBe(false);
  });

  const forms: readonly [string, Parts][] = [
    ['caffe', { preprocessing: 'caffe' }],
    ['torch', { preprocessing: 'torch' }],
    ['rescale', { preprocessing: 'rescale' }],
    ['something after it', { after }],
  ];

  it.runIf(own).each(forms)(
    'gives, bit for bit, what ONNX Runtime 1.29 gives: %s',
    async (_, parts) => {
      const bytes = await quantized(parts);
      const found = await featuresWith('', bytes);
      const expected = await featuresWith('onnxruntime', bytes);
      expect([found.info.engine, expected.info.engine]).toEqual(['native', 'onnxruntime']);
      expect(new Set(found.data).size).toBeGreaterThan(10);
      expect(found.data).toEqual(expected.data);
    },
  );

  const others: readonly [string, Parts][] = [
    [
      'padding of one side',
      {
        middle: [
          ...conv('nchw', 'one'),
          ...conv('one', 'two', { pads: [1, 1, 0, 0] }),
          halve('two', 'pool'),
          ...conv('pool', 'three'),
        ],
      },
    ],
    [
      'a result that two nodes read',
      {
        after: [
          node('Add', ['three', 'three'], 'sum'),
          node('Transpose', ['sum'], 'features', { perm: [0, 2, 3, 1] }),
        ],
      },
    ],
  ];

  it.each(others)('is not what has %s', async (_, parts) => {
    const bytes = await quantized(parts);
    expect(planOf(bytes)).toBeUndefined();
    expect((await featuresWith('', bytes)).info.engine).toBe('onnxruntime');
  });

  it('is not a model in float32', () => {
    expect(planOf(chainModel())).toBeUndefined();
  });
});
