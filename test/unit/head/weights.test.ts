import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeSafetensors } from '#core/base/safetensors';
import {
  checkHeadWeights,
  type HeadWeights,
  headPreset,
  readHeadWeights,
  resolveHead,
  writeHeadWeights,
} from '#core/head';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headstart-'));
});
afterAll(() => rm(folder, { recursive: true }));

const head = resolveHead(headPreset('linear'), { featureShape: [4], classes: 2 });
const weights: HeadWeights = {
  'dense/kernel': { shape: [4, 2], data: Float32Array.of(1, -2, 0.5, 3e-8, 4, 5, -0, 7) },
  'dense/bias': { shape: [2], data: Float32Array.of(0.25, -1e20) },
};

test('weights come back as they were written, and nothing else is left behind', async () => {
  const path = join(folder, 'a', 'head.safetensors');
  await writeHeadWeights(path, weights, { head: 'linear' });
  expect(await readHeadWeights(path)).toEqual(weights);
  expect(await readdir(join(folder, 'a'))).toEqual(['head.safetensors']);
});

test('a part of a larger array is written as that part', async () => {
  const path = join(folder, 'part.safetensors');
  const whole = Float32Array.of(9, 9, 0.25, 0.5, 9);
  await writeHeadWeights(path, { x: { shape: [2], data: whole.subarray(2, 4) } });
  expect((await readHeadWeights(path)).x?.data).toEqual(Float32Array.of(0.25, 0.5));
});

describe('weights that do not fit are refused', () => {
  test.each<[string, HeadWeights]>([
    [
      'have no tensor dense/bias; they have dense/kernel',
      { 'dense/kernel': weights['dense/kernel']! },
    ],
    [
      'have dense/kernel of shape [2, 4], but this head needs [4, 2]',
      { ...weights, 'dense/kernel': { shape: [2, 4], data: new Float32Array(8) } },
    ],
    [
      'have a value in dense/bias that is not a finite number',
      { ...weights, 'dense/bias': { shape: [2], data: Float32Array.of(1, Number.NaN) } },
    ],
    [
      'have tensors that this head does not: conv2d/bias',
      { ...weights, 'conv2d/bias': { shape: [1], data: new Float32Array(1) } },
    ],
  ])('because they %s', (message, given) => {
    expect(() => checkHeadWeights(given, head.parameters, 'w.safetensors')).toThrow(
      `The weights of w.safetensors ${message}`,
    );
  });

  test('in half precision, naming the tensor', async () => {
    const path = join(folder, 'half.safetensors');
    await writeSafetensors(path, {
      'dense/bias': { dtype: 'F16', shape: [2], data: new Uint8Array(4) },
    });
    await expect(readHeadWeights(path)).rejects.toMatchObject({
      code: 'WEIGHTS_INVALID',
      message: expect.stringContaining('Tensor dense/bias in'),
    });
  });

  test('in another kind of file', async () => {
    const path = join(folder, 'weights.pt');
    await writeFile(path, 'PK and so on, but no safetensors');
    await expect(readHeadWeights(path)).rejects.toMatchObject({
      code: 'WEIGHTS_INVALID',
      message: expect.stringContaining('is not a safetensors file'),
    });
    await expect(readHeadWeights(join(folder, 'none'))).rejects.toMatchObject({
      code: 'WEIGHTS_INVALID',
    });
  });
});
