import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Backbone, describeFile } from '#core/backbone';
import { decodeModel, type Model } from '../../../packages/core/src/onnx/onnx-model.ts';
import { stackPlan } from '../../../packages/core/src/onnx/stack-plan.ts';
import { type TemporaryFolder, temporaryFolder } from '../../util/workspace.ts';
import { chainModel, conv, halve, type Parts, size } from '../backbone/chain-model.ts';
import { node, smallModel, someImages } from '../backbone/models.ts';

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());
afterEach(() => vi.unstubAllEnvs());

const planOf = (parts?: Parts) =>
  stackPlan(decodeModel(chainModel(parts), 'small') as Model, { height: size, width: size });

async function featuresWith(engine: string, bytes: Uint8Array) {
  vi.stubEnv('HEADSTART_ENGINE', engine);
  const path = join(folder.path, 'model.onnx');
  await writeFile(path, bytes);
  await using backbone = await Backbone.open(await describeFile(path), { device: 'cpu' });
  return { info: backbone.info, data: await backbone.run(someImages(3, size), 3) };
}

async function expectAgreement(bytes: Uint8Array) {
  const own = await featuresWith('', bytes);
  const reference = await featuresWith('onnxruntime', bytes);
  expect([own.info.engine, reference.info.engine]).toEqual(['native', 'onnxruntime']);
  expect(own.info.featureShape).toEqual(reference.info.featureShape);
  const largest = reference.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expect(largest).toBeGreaterThan(0.1);
  const worst = own.data.reduce(
    (most, value, i) => Math.max(most, Math.abs(value - (reference.data[i] as number))),
    0,
  );
  expect(worst / largest).toBeLessThan(2e-5);
}

describe('a chain of convolutions in our own kernels', () => {
  it.each(['caffe', 'torch', 'rescale', 'none'] as const)(
    'gives what ONNX Runtime gives, with the preprocessing %s',
    async (preprocessing) => expectAgreement(chainModel({ preprocessing })),
  );

  it('leaves what comes after it to ONNX Runtime', async () => {
    const after = [
      node('Transpose', ['three'], 'nhwc', { perm: [0, 2, 3, 1] }),
      node('Sub', ['nhwc', 'mean'], 'centred'),
      node('Mul', ['centred', 'nhwc'], 'features'),
    ];
    expect(planOf({ after })?.rest?.input).toBe('nhwc');
    await expectAgreement(chainModel({ after }));
  });

  it('has nothing after it where the features are its result', () => {
    const plan = planOf();
    expect(plan?.rest).toBeUndefined();
    expect(plan?.layers.map(({ bias, pool }) => [bias.length, pool])).toEqual([
      [32, false],
      [16, true],
      [48, false],
    ]);
  });

  const others: readonly [string, Parts][] = [
    [
      'a stride',
      {
        middle: [
          ...conv('nchw', 'one'),
          ...conv('one', 'two', { strides: [2, 2] }),
          halve('two', 'pool'),
          ...conv('pool', 'three'),
        ],
      },
    ],
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
      'a pool that overlaps',
      {
        middle: [
          ...conv('nchw', 'one'),
          ...conv('one', 'two'),
          halve('two', 'pool', { strides: [1, 1] }),
          ...conv('pool', 'three'),
        ],
      },
    ],
    [
      'a pool after the first layer',
      {
        middle: [
          ...conv('nchw', 'one'),
          halve('one', 'p'),
          ...conv('p', 'two'),
          halve('two', 'pool'),
          ...conv('pool', 'three'),
        ],
      },
    ],
    [
      'another activation',
      {
        middle: [
          ...conv('nchw', 'one'),
          node('Conv', ['one', 'two/k', 'two/b'], 'c', {
            kernel_shape: [3, 3],
            pads: [1, 1, 1, 1],
          }),
          node('Sigmoid', ['c'], 'two'),
          halve('two', 'pool'),
          ...conv('pool', 'three'),
        ],
      },
    ],
    [
      'a result that two nodes read',
      {
        after: [
          node('Add', ['three', 'three/c'], 'sum'),
          node('Transpose', ['sum'], 'features', { perm: [0, 2, 3, 1] }),
        ],
      },
    ],
  ];

  it.each(others)('is not what has %s', async (_, parts) => {
    expect(planOf(parts)).toBeUndefined();
    expect((await featuresWith('', chainModel(parts))).info.engine).toBe('onnxruntime');
  });

  it('is not a model without pixels or convolutions', () => {
    const plan = stackPlan(decodeModel(smallModel(), 'small'), { height: 8, width: 8 });
    expect(plan).toBeUndefined();
  });
});
