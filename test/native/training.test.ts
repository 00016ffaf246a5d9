import { type FeatureStore, type HeadOptions, type LayerSpec, Trainer } from '@headstart/native';
import { describe, expect, test } from 'vitest';
import {
  convHead,
  linearHead,
  makeStore,
  randomFloats,
  randomLabels,
  range,
  relativeError,
  type Shape,
} from './support/heads.ts';

const shape: Shape = [7, 7, 24];
const samples = 45;
const classes = 4;
const rows = range(samples);
const labels = randomLabels(8, samples, classes);

function features(): FeatureStore {
  return makeStore(shape, randomFloats(4, samples * 7 * 7 * 24, 0, 1));
}

function makeTrainer(
  layers: LayerSpec[],
  options: { threads?: number; heads?: HeadOptions[] } = {},
): Trainer {
  const { threads = 2, heads = [{ seed: 11, learningRate: 1e-3 }] } = options;
  return new Trainer({ inputShape: shape, layers, classes, heads, threads });
}

describe('training', () => {
  test('the loss of an evaluation is the same bits however many samples are computed at once', async () => {
    const store = features();
    const trainer = makeTrainer(linearHead(classes), {
      heads: [{ seed: 11, learningRate: 1e-3, l2: 0.01 }],
    });
    const many = Int32Array.from({ length: 1000 }, (_, i) => (i * 7) % samples);
    const own = many.map((row) => labels[row] as number);
    const losses = new Set<number>();
    for (const batchSize of [1, 7, 32, 256, 1000]) {
      losses.add((await trainer.evaluate({ store, rows: many, labels: own, batchSize })).loss);
    }
    expect([...losses]).toHaveLength(1);
  });

  test('the loss falls and the samples are learnt', async () => {
    const [trainer, store] = [makeTrainer(convHead(classes)), features()];
    const before = await trainer.evaluate({ store, rows, labels });
    for (let epoch = 0; epoch < 60; epoch++) {
      await trainer.trainSteps({ store, batches: [{ rows, labels }], batchSize: 16 });
    }
    const after = await trainer.evaluate({ store, rows, labels });
    expect(after.loss).toBeLessThan(before.loss / 10);
    expect(after.accuracy).toBe(1);
    expect(after.samples).toBe(samples);
  });

  test('counts samples and steps; the last step may be short; no samples are no steps', async () => {
    const [trainer, store] = [makeTrainer(linearHead(classes)), features()];
    const [metrics] = await trainer.trainSteps({
      store,
      batches: [{ rows, labels }],
      batchSize: 8,
    });
    expect(metrics).toMatchObject({ samples: 45, steps: 6 });
    expect(trainer.getOptimizerState().step).toBe(6);
    const none = { rows: new Int32Array(), labels: new Int32Array() };
    expect(await trainer.trainSteps({ store, batches: [none], batchSize: 8 })).toEqual([
      { loss: 0, accuracy: 0, samples: 0, steps: 0 },
    ]);
    expect(await trainer.predict({ store, rows: new Int32Array() })).toHaveLength(0);
  });

  test('the loss is the class-weighted sum over the number of samples, as Keras has it', async () => {
    const classWeights = Float32Array.of(0.5, 2, 0, 3);
    const heads = [{ seed: 1, learningRate: 0, classWeights }];
    const [trainer, store] = [makeTrainer(linearHead(classes), { heads }), features()];
    const probabilities = await trainer.predict({ store, rows });
    let [weighted, plain] = [0, 0];
    labels.forEach((label, n) => {
      const loss = -Math.log(probabilities[n * classes + label]!);
      weighted += (classWeights[label]! * loss) / samples;
      plain += loss / samples;
    });
    const batches = [{ rows, labels }];
    const [metrics] = await trainer.trainSteps({ store, batches, batchSize: samples });
    expect(metrics!.loss).toBeCloseTo(weighted, 5);
    expect((await trainer.evaluate({ store, rows, labels })).loss).toBeCloseTo(plain, 5);
  });

  test('rows may repeat and come in any order', async () => {
    const [trainer, store] = [makeTrainer(linearHead(classes)), features()];
    const all = await trainer.predict({ store, rows });
    const some = await trainer.predict({ store, rows: Int32Array.of(44, 0, 44, 7), batchSize: 3 });
    const expected = [44, 0, 44, 7].flatMap((row) => [
      ...all.subarray(row * classes, (row + 1) * classes),
    ]);
    expect(Array.from(some)).toEqual(expected);
  });

  test('Adam follows its formula', async () => {
    const optimizer = { type: 'adam', beta1: 0.8, beta2: 0.95, epsilon: 1e-3 } as const;
    const heads = [{ seed: 2, learningRate: 0.01, optimizer }];
    const [trainer, store] = [makeTrainer(linearHead(classes), { heads }), features()];
    const size = 24 * classes;
    const [m, v] = [new Float64Array(size), new Float64Array(size)];
    const w = Float64Array.from(trainer.getWeights()['dense/kernel']!.data);
    for (let step = 1; step <= 5; step++) {
      const { gradients } = await trainer.gradients({ store, rows, labels });
      await trainer.trainSteps({ store, batches: [{ rows, labels }], batchSize: samples });
      const rate = (0.01 * Math.sqrt(1 - 0.95 ** step)) / (1 - 0.8 ** step);
      gradients['dense/kernel']!.data.forEach((g, i) => {
        m[i] = 0.8 * m[i]! + 0.2 * g;
        v[i] = 0.95 * v[i]! + 0.05 * g * g;
        w[i] = w[i]! - (rate * m[i]!) / (Math.sqrt(v[i]!) + 1e-3);
      });
    }
    const state = trainer.getOptimizerState();
    expect(relativeError(trainer.getWeights()['dense/kernel']!.data, w)).toBeLessThan(1e-5);
    expect(relativeError(state.m['dense/kernel']!.data, m)).toBeLessThan(1e-5);
    expect(relativeError(state.v['dense/kernel']!.data, v)).toBeLessThan(1e-5);
  });

  test('weights start Glorot-uniform from the seed, biases at zero', () => {
    const [a, b] = [1, 2].map((seed) =>
      makeTrainer(convHead(classes), { heads: [{ seed, learningRate: 1 }] }).getWeights(),
    );
    const kernel = a!['conv2d/kernel']!;
    const limit = Math.sqrt(6 / (9 * 24 + 9 * 32));
    expect(kernel.shape).toEqual([3, 3, 24, 32]);
    const largest = kernel.data.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    expect(largest).toBeLessThanOrEqual(limit);
    expect(largest).toBeGreaterThan(limit * 0.99);
    const mean = kernel.data.reduce((sum, value) => sum + value, 0) / kernel.data.length;
    expect(Math.abs(mean)).toBeLessThan(limit * 0.03);
    expect(a!['conv2d/bias']!.data.every((value) => value === 0)).toBe(true);
    expect(b!['conv2d/kernel']!.data).not.toEqual(kernel.data);
  });
});

describe('the same bits', () => {
  async function weightsAfter(threads: number) {
    const [trainer, store] = [makeTrainer(convHead(classes, 0.25), { threads }), features()];
    const batches = [{ rows, labels }];
    const metrics = await trainer.trainSteps({ store, batches, batchSize: 16 });
    return { metrics, weights: trainer.getWeights(), state: trainer.getOptimizerState() };
  }

  test('for 1, 2 and 3 threads', async () => {
    const one = await weightsAfter(1);
    expect(await weightsAfter(2)).toEqual(one);
    expect(await weightsAfter(3)).toEqual(one);
  });

  test('for a run that was interrupted and resumed', async () => {
    const store = features();
    const [whole, first, second] = [1, 1, 99].map((seed) =>
      makeTrainer(convHead(classes, 0.5), { heads: [{ seed: 11, learningRate: 1e-3 * seed }] }),
    );
    const part = (begin: number, end: number) => [
      { rows: rows.slice(begin, end), labels: labels.slice(begin, end) },
    ];
    await whole!.trainSteps({ store, batches: part(0, 45), batchSize: 8 });
    await first!.trainSteps({ store, batches: part(0, 24), batchSize: 8 });
    second!.setWeights(first!.getWeights());
    second!.setOptimizerState(first!.getOptimizerState());
    second!.setLearningRate(1e-3);
    await second!.trainSteps({ store, batches: part(24, 45), batchSize: 8 });
    expect(second!.getWeights()).toEqual(whole!.getWeights());
    expect(second!.getOptimizerState()).toEqual(whole!.getOptimizerState());
  });

  test('for a head trained alone and among others', async () => {
    const store = features();
    const heads = [
      { seed: 1, learningRate: 1e-3 },
      { seed: 2, learningRate: 1e-2, classWeights: Float32Array.of(1, 2, 3, 4) },
      { seed: 3, learningRate: 1e-4 },
    ];
    const batches = [
      { rows: rows.slice(0, 20), labels: labels.slice(0, 20) },
      { rows, labels },
      { rows: rows.slice(5, 6), labels: labels.slice(5, 6) },
    ];
    const together = makeTrainer(convHead(classes, 0.25), { heads });
    const metrics = await together.trainSteps({ store, batches, batchSize: 8 });
    for (const [i, head] of heads.entries()) {
      const alone = makeTrainer(convHead(classes, 0.25), { heads: [head] });
      const [single] = await alone.trainSteps({ store, batches: [batches[i]!], batchSize: 8 });
      expect(metrics[i]).toEqual(single);
      expect(together.getWeights(i)).toEqual(alone.getWeights());
    }
  });
});

describe('dropout', () => {
  const wide: Shape = [1, 1, 20_000];

  /** The gradient of the kernel by one sample of ones is, but for a factor, its dropped input. */
  async function mask(rate: number, step = 0, count = 1): Promise<Float32Array> {
    const layers: LayerSpec[] = [
      { type: 'dropout', rate },
      { type: 'dense', name: 'dense', units: 2 },
    ];
    const heads = [{ seed: 6, learningRate: 1e-3 }];
    const trainer = new Trainer({ inputShape: wide, layers, classes: 2, heads });
    const zeros = trainer.getWeights();
    zeros['dense/kernel']!.data.fill(0);
    trainer.setWeights(zeros);
    trainer.setOptimizerState({ ...trainer.getOptimizerState(), step });
    const store = makeStore(wide, new Float32Array(20_000 * count).fill(1));
    const labels = new Int32Array(count);
    const { gradients } = await trainer.gradients({
      store,
      rows: range(count),
      labels,
      dropout: true,
    });
    return gradients['dense/kernel']!.data.filter((_, i) => i % 2 === 1).map((g) => g * 2);
  }

  test.each([0.25, 0.5, 0.9])('drops a share of %d and scales what is kept', async (rate) => {
    const values = await mask(rate);
    const dropped = values.filter((value) => value === 0).length / values.length;
    expect(Math.abs(dropped - rate)).toBeLessThan(0.015);
    const kept = values.filter((value) => value !== 0);
    expect(kept.every((value) => Math.abs(value - 1 / (1 - rate)) < 1e-4)).toBe(true);
  });

  test('each step and each sample has a mask of its own', async () => {
    const [first, again, next] = [await mask(0.5), await mask(0.5), await mask(0.5, 1)];
    expect(again).toEqual(first);
    expect(next).not.toEqual(first);
    const two = await mask(0.5, 0, 2);
    expect(two.some((value) => Math.abs(value - 1) < 1e-5)).toBe(true);
  });

  test('does nothing at rate 0, and nothing in evaluation', async () => {
    expect((await mask(0)).every((value) => Math.abs(value - 1) < 1e-5)).toBe(true);
    const store = features();
    const [wet, dry] = [makeTrainer(convHead(classes, 0.9)), makeTrainer(convHead(classes))];
    dry.setWeights(wet.getWeights());
    expect(await wet.predict({ store, rows })).toEqual(await dry.predict({ store, rows }));
  });
});
