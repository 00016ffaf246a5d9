import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { calibrate } from '#core/backbone';
import { quantizeModel } from '#core/onnx';
import { forMatrixUnit } from '../../../packages/core/src/onnx/matrix-unit.ts';
import { decodeModel, encodeModel } from '../../../packages/core/src/onnx/onnx-model.ts';
import { floatTensor, node, smallModel, someImages } from '../backbone/models.ts';

const size = 12;

/** From −1 to 1, as if drawn. */
const numbers = (count: number) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin((i + 1) * 12.9898) % 1);

/** 3 → 64 → `outputs` channels, in int8. */
async function quantized(outputs: number, group = 1): Promise<Uint8Array> {
  const shape = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
  const bytes = smallModel({
    input: { name: 'image', type: 'uint8', dims: ['N', size, size, 3] },
    outputs: [{ name: 'features', dims: ['N', '?', '?', '?'] }],
    nodes: [
      node('Cast', ['image'], 'float', { to: 1 }),
      node('Transpose', ['float'], 'x', { perm: [0, 3, 1, 2] }),
      node('Conv', ['x', 'first'], 'c', shape),
      node('Relu', ['c'], 'r'),
      node('Conv', ['r', 'second', 'bias'], 'y', { ...shape, group }),
      node('Transpose', ['y'], 'features', { perm: [0, 2, 3, 1] }),
    ],
    initializers: [
      floatTensor('first', [64, 3, 3, 3], numbers(64 * 27)),
      floatTensor('second', [outputs, 64 / group, 3, 3], numbers((outputs * 64 * 9) / group)),
      floatTensor('bias', [outputs], numbers(outputs)),
    ],
  });
  const model = decodeModel(bytes, 'small');
  return quantizeModel(model, await calibrate(model, 'small', [someImages(1, size)]), {});
}

async function featuresOf(model: Uint8Array): Promise<Float32Array> {
  const session = await InferenceSession.create(model);
  const image = new Tensor('uint8', someImages(3, size), [3, size, size, 3]);
  const { features } = await session.run({ image });
  return Float32Array.from(features?.data as Float32Array);
}

describe('forMatrixUnit', () => {
  it('gives large convolutions another zero point, and the same features, bit for bit', async () => {
    const plain = await quantized(128);
    const lowered = forMatrixUnit(decodeModel(plain, 'plain')) as Uint8Array;
    const constants = decodeModel(lowered, 'lowered').graph?.initializer ?? [];
    const zeroPoints = constants.filter(({ name }) => name?.includes('second/zero_point'));
    expect(zeroPoints.map(({ rawData }) => [...new Int8Array(rawData ?? [])])).toEqual([
      Array.from({ length: 128 }, () => -1),
    ]);
    const features = await featuresOf(plain);
    expect(new Set(features).size).toBeGreaterThan(50);
    expect(await featuresOf(lowered)).toEqual(features);
  });

  it('leaves narrow and grouped convolutions, and models in float32, as they are', async () => {
    expect(forMatrixUnit(decodeModel(await quantized(64), 'narrow'))).toBeUndefined();
    expect(forMatrixUnit(decodeModel(await quantized(128, 4), 'grouped'))).toBeUndefined();
    expect(forMatrixUnit(decodeModel(smallModel(), 'float'))).toBeUndefined();
  });

  it('leaves a kernel alone that something else reads, or that −128 is part of', async () => {
    const model = decodeModel(await quantized(128), 'plain');
    const kernel = model.graph?.initializer?.find(({ name }) => name?.includes('second/q'));
    const shared = decodeModel(encodeModel(model), 'shared');
    shared.graph?.node?.push(node('Identity', [kernel?.name ?? ''], 'copy'));
    expect(forMatrixUnit(shared)).toBeUndefined();
    kernel!.rawData = Uint8Array.from(kernel?.rawData as Uint8Array).fill(0x80, 0, 1);
    expect(forMatrixUnit(model)).toBeUndefined();
  });
});
