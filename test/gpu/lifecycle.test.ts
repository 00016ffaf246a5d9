import { FeatureStore, Trainer, type TrainerOptions } from '@headstart/native';
import { describe, expect, test } from 'vitest';
import { convHead, makeStore, randomFloats, randomLabels, range } from '../native/support/heads.ts';
import { hasGpu, isEmulated } from './support/device.ts';

const shape = [5, 5, 6] as const;
const [samples, classes] = [40, 3];
const features = randomFloats(1, samples * 150);
const labels = randomLabels(2, samples, classes);
const rows = range(samples);

const make = (options?: Partial<TrainerOptions>) =>
  new Trainer({
    inputShape: shape,
    layers: convHead(classes),
    classes,
    heads: [{ seed: 1, learningRate: 1e-3 }],
    backend: 'cuda',
    ...options,
  });

async function trained(store: FeatureStore, given?: Trainer) {
  const trainer = given ?? make();
  await trainer.trainSteps({ store, batches: [{ rows, labels }], batchSize: 8 });
  const weights = trainer.getWeights();
  if (!given) trainer.dispose();
  return weights;
}

describe.runIf(hasGpu)('features in the GPU’s memory alone', () => {
  const onDevice = (capacity = samples) =>
    new FeatureStore({ shape, capacity, dtype: 'float32', device: 'cuda' });

  test('train as those that are copied there', async () => {
    using copied = makeStore(shape, features);
    using store = onDevice();
    store.append(features.subarray(0, 150 * 7));
    store.append(features.subarray(150 * 7));
    expect(store.length).toBe(samples);
    expect(await trained(store)).toEqual(await trained(copied));
  });

  test('tell which row is not finite', () => {
    using store = onDevice();
    store.append(features.subarray(0, 150 * 3));
    expect(store.findInvalidRow()).toBe(-1);
    const broken = features.slice(0, 150 * 4);
    broken[150 * 2 + 5] = Number.NaN;
    store.append(broken);
    expect(store.findInvalidRow()).toBe(5);
    expect(store.findInvalidRow(6)).toBe(-1);
    expect(store.findInvalidRow(0, 5)).toBe(-1);
  });

  test('are rounded to bfloat16 on the way, and take no more than fits', () => {
    using store = new FeatureStore({ shape, capacity: 2, dtype: 'bfloat16', device: 'cuda' });
    store.append(features.subarray(0, 300));
    expect(store.byteLength).toBe(600);
    expect(() => store.append(features.subarray(0, 150))).toThrow(/2 rows, of which 0 are free/);
  });

  test('cannot be read by a trainer on the CPU', async () => {
    using store = onDevice();
    store.append(features);
    using trainer = make({ backend: 'cpu' });
    await expect(trained(store, trainer)).rejects.toThrow('a trainer on the CPU cannot read it');
  });

  test('need memory: the error names needed and free bytes', () => {
    const bytes = 150 * 4 * 1e9;
    expect(() => onDevice(1e9)).toThrow(
      expect.objectContaining({
        code: 'OUT_OF_MEMORY',
        message: expect.stringMatching(
          new RegExp(`the features: ${bytes} bytes are needed, \\d+ of \\d+ are free`),
        ),
      }),
    );
  });
});

describe.runIf(hasGpu)('a trainer on the GPU', () => {
  test('sees rows that were added after it trained', async () => {
    using store = new FeatureStore({ shape, capacity: samples, dtype: 'float32' });
    store.append(features.subarray(0, 150 * 10));
    using trainer = make();
    using other = make();
    await trainer.predict({ store, rows: range(10) });
    store.append(features.subarray(150 * 10));
    using whole = makeStore(shape, features);
    expect(await trainer.predict({ store, rows })).toEqual(
      await other.predict({ store: whole, rows }),
    );
  });

  test('goes on where another stopped', async () => {
    using store = makeStore(shape, features);
    using first = make();
    using second = make();
    using whole = make();
    await trained(store, first);
    second.setWeights(first.getWeights());
    second.setOptimizerState(first.getOptimizerState());
    await trained(store, whole);
    expect(await trained(store, second)).toEqual(await trained(store, whole));
  });

  test('is aborted between steps and counts those that were done', async () => {
    using store = makeStore(shape, features);
    const many = new Int32Array(8_000).map((_, i) => i % samples);
    const batches = [{ rows: many, labels: many.map((row) => labels[row]!) }];
    using trainer = make();
    const controller = new AbortController();
    const { signal } = controller;
    const running = trainer.trainSteps({ store, batches, batchSize: 2 }, { signal });
    setTimeout(() => controller.abort(), 200);
    await expect(running).rejects.toMatchObject({ code: 'ABORTED' });
    const { step } = trainer.getOptimizerState();
    expect(step).toBeLessThan(4_000);
    // What was done is that many steps of a run that was not aborted.
    using other = make();
    const part = (array: Int32Array) => array.slice(0, 2 * step);
    const [all] = batches;
    const done = [{ rows: part(all!.rows), labels: part(all!.labels) }];
    if (step > 0) await other.trainSteps({ store, batches: done, batchSize: 2 });
    expect(trainer.getWeights()).toEqual(other.getWeights());
  });

  test('may be disposed of while it trains', async () => {
    const store = makeStore(shape, features);
    const trainer = make();
    const running = trainer.trainSteps({ store, batches: [{ rows, labels }], batchSize: 2 });
    trainer.dispose();
    store.dispose();
    await Promise.allSettled([running]);
  });
});

describe.runIf(isEmulated)('when the GPU fails', () => {
  test('too little memory is an error that names it, and the trainer lives on', async () => {
    using store = makeStore(shape, features);
    using trainer = make();
    const before = trainer.getWeights();
    process.env.HEADSTART_EMULATED_MEMORY = String(700_000);
    try {
      await expect(trained(store, trainer)).rejects.toMatchObject({
        code: 'OUT_OF_MEMORY',
        message: expect.stringMatching(
          /steps of 1 head with 8 samples: \d+ bytes are needed, \d+ of/,
        ),
      });
    } finally {
      delete process.env.HEADSTART_EMULATED_MEMORY;
    }
    expect(trainer.getWeights()).toEqual(before);
    expect(await trained(store, trainer)).toEqual(await trained(store));
  });

  test('heads whose weights do not fit are refused', () => {
    process.env.HEADSTART_EMULATED_MEMORY = String(100_000);
    try {
      expect(() => make()).toThrow(
        expect.objectContaining({
          code: 'OUT_OF_MEMORY',
          message: expect.stringContaining('the weights of 1 head: '),
        }),
      );
    } finally {
      delete process.env.HEADSTART_EMULATED_MEMORY;
    }
  });
});
