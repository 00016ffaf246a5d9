import { backends, Trainer } from '@headstart/native';
import { describe, expect, test } from 'vitest';
import { convHead, makeStore, randomFloats, range, relativeError } from './support/heads.ts';

const cpu = backends().find(({ name }) => name === 'cpu')!;
const hasBf16 = cpu.compute.includes('bf16');
if (!hasBf16) console.log('skipped: this processor has no AVX512_BF16');

const [samples, classes] = [192, 3];
const shape = [7, 7, 33] as const;
const size = 7 * 7 * 33;
const classOf = (row: number) => row % classes;
/** A third are wrong, so that the loss comes to rest where it is not small. */
const labels = range(samples).map((row) =>
  row % 9 < 3 ? classOf(Math.floor(row / 9)) : classOf(row),
);
/** Noise, and for each class some channels that are brighter. */
const features = randomFloats(4, samples * size, 0, 1).map((value, i) => {
  const channel = i % 33;
  return channel % classes === classOf(Math.floor(i / size)) ? value + 0.1 : value;
});

function makeTrainer(compute: 'fp32' | 'bf16', seeds: number, threads = 2) {
  return new Trainer({
    inputShape: shape,
    layers: convHead(classes),
    classes,
    heads: Array.from({ length: seeds }, (_, seed) => ({ seed, learningRate: 1e-3 })),
    compute,
    threads,
  });
}

/** Mean over heads that differ in their seed: what one comes to is much a matter of chance. */
async function lossAfterTenEpochs(
  compute: 'fp32' | 'bf16',
  dtype: 'float32' | 'bfloat16',
  seeds: number,
) {
  const [store, trainer] = [makeStore(shape, features, dtype), makeTrainer(compute, seeds)];
  const batches = Array.from({ length: seeds }, () => ({ rows: range(samples), labels }));
  let loss = Number.NaN;
  for (let epoch = 0; epoch < 10; epoch++) {
    const metrics = await trainer.trainSteps({ store, batches, batchSize: 32 });
    loss = metrics.reduce((sum, one) => sum + one.loss / seeds, 0);
  }
  return loss;
}

describe.runIf(hasBf16)('products in bfloat16', () => {
  test('the loss after ten epochs is that of float32 within 2 %', async () => {
    // Heads of one seed part by about a tenth: their means, by a hundredth.
    const exact = await lossAfterTenEpochs('fp32', 'float32', 96);
    const rounded = await lossAfterTenEpochs('bf16', 'bfloat16', 96);
    expect(exact).toBeLessThan(1);
    expect(rounded).not.toBe(exact);
    expect(Math.abs(rounded / exact - 1)).toBeLessThan(0.02);
  }, 300_000);

  test('features are rounded alike in the store and on the way out of it', async () => {
    const rounded = await lossAfterTenEpochs('bf16', 'bfloat16', 1);
    expect(await lossAfterTenEpochs('bf16', 'float32', 1)).toBe(rounded);
  });

  test('gradients are those of float32 but for the rounding, whatever is odd', async () => {
    const layers = [
      { type: 'conv2d', name: 'a', filters: 5, kernelSize: 3, activation: 'relu' },
      { type: 'conv2d', name: 'b', filters: 7, kernelSize: 1 },
      { type: 'flatten' },
      { type: 'dense', name: 'c', units: 3 },
    ] as const;
    const options = { inputShape: [3, 5, 3] as const, layers, classes };
    const heads = [{ seed: 3, learningRate: 1e-3 }];
    const store = makeStore([3, 5, 3], randomFloats(8, 5 * 45));
    const rows = range(5);
    const batch = { store, rows, labels: rows.map((i) => i % 3) };
    const exact = await new Trainer({ ...options, heads }).gradients(batch);
    const rounded = await new Trainer({ ...options, heads, compute: 'bf16' }).gradients(batch);
    expect(rounded.loss).toBeCloseTo(exact.loss, 1);
    for (const [name, { data }] of Object.entries(exact.gradients)) {
      expect(relativeError(rounded.gradients[name]!.data, data), name).toBeLessThan(0.03);
      if (name.endsWith('/kernel')) expect(rounded.gradients[name]!.data).not.toEqual(data);
    }
  });

  test.each([1, 3])('the same bits for 1 and 2 threads, heads: %i', async (heads) => {
    const store = makeStore(shape, features);
    const train = async (threads: number) => {
      const trainer = makeTrainer('bf16', heads, threads);
      const batches = Array.from({ length: heads }, () => ({ rows: range(samples), labels }));
      await trainer.trainSteps({ store, batches, batchSize: 31 });
      return trainer.getWeights();
    };
    expect(await train(2)).toEqual(await train(1));
  });
});

test('what a processor cannot compute in is refused', () => {
  expect(() => makeTrainer('fp64' as 'fp32', 1)).toThrow(/compute.*"fp64"/);
  if (!hasBf16) expect(() => makeTrainer('bf16', 1)).toThrow(/AVX512_BF16/);
});
