import { type LayerSpec, Trainer } from '@headstart/native';
import { describe, expect, test } from 'vitest';
import {
  makeStore,
  randomFloats,
  randomLabels,
  range,
  relativeError,
  type Shape,
} from './support/heads.ts';
import { doubles, referenceLoss } from './support/reference.ts';

interface Case {
  readonly name: string;
  readonly shape: Shape;
  readonly samples: number;
  readonly classes: number;
  readonly layers: LayerSpec[];
}

const dense = (units: number, name = 'out'): LayerSpec => ({ type: 'dense', name, units });
const gap: LayerSpec = { type: 'global_average_pool2d' };
const conv = (
  filters: number,
  kernelSize: 1 | 3,
  activation: 'relu' | 'linear',
  name = 'conv',
): LayerSpec => ({ type: 'conv2d', name, filters, kernelSize, activation });

const cases: Case[] = [
  {
    name: 'dense, 1 sample, 1 class',
    shape: [1, 1, 5],
    samples: 1,
    classes: 1,
    layers: [dense(1)],
  },
  { name: 'dense, 31 samples', shape: [1, 1, 13], samples: 31, classes: 3, layers: [dense(3)] },
  { name: 'dense, 257 samples', shape: [1, 1, 7], samples: 257, classes: 3, layers: [dense(3)] },
  {
    name: 'dense, 1000 classes',
    shape: [1, 1, 9],
    samples: 5,
    classes: 1000,
    layers: [dense(1000)],
  },
  {
    name: 'dense over more inputs than one block of k',
    shape: [1, 1, 1100],
    samples: 7,
    classes: 3,
    layers: [dense(3)],
  },
  {
    name: 'two dense with relu',
    shape: [1, 1, 11],
    samples: 31,
    classes: 4,
    layers: [{ type: 'dense', name: 'hidden', units: 37, activation: 'relu' }, dense(4)],
  },
  { name: 'average pool', shape: [7, 5, 6], samples: 9, classes: 3, layers: [gap, dense(3)] },
  {
    name: 'flatten and dense',
    shape: [3, 2, 5],
    samples: 5,
    classes: 3,
    layers: [{ type: 'flatten' }, dense(3)],
  },
  ...([1, 3] as const).flatMap((kernelSize) =>
    [1, 2, 5, 7, 14].map((side) => ({
      name: `conv ${kernelSize}x${kernelSize} on ${side}x${side}`,
      shape: [side, side, 5] as const,
      samples: 3,
      classes: 3,
      layers: [conv(7, kernelSize, 'relu'), gap, dense(3)],
    })),
  ),
  {
    name: 'conv on a map that is not square, with more filters than a panel',
    shape: [4, 9, 3],
    samples: 2,
    classes: 2,
    layers: [conv(45, 3, 'linear'), gap, dense(2)],
  },
  {
    name: 'conv, pool, conv, pool, flatten, dense on 7x7',
    shape: [7, 7, 6],
    samples: 5,
    classes: 3,
    layers: [
      conv(8, 3, 'relu', 'a'),
      { type: 'max_pool2d' },
      conv(9, 3, 'relu', 'b'),
      { type: 'max_pool2d' },
      { type: 'flatten' },
      { type: 'dense', name: 'hidden', units: 10, activation: 'relu' },
      dense(3),
    ],
  },
  {
    name: 'layers without parameters first',
    shape: [5, 5, 4],
    samples: 3,
    classes: 3,
    layers: [
      { type: 'max_pool2d' },
      conv(6, 1, 'linear', 'a'),
      conv(5, 3, 'relu', 'b'),
      gap,
      dense(3),
    ],
  },
  // Weights enough for the transformed convolution: odd numbers of channels, maps whose last tile
  // hangs over, more channels than a block of either pass, more filters than a panel.
  ...(
    [
      [[4, 4, 131], 65, 5],
      [[7, 7, 513], 17, 2],
      [[14, 14, 128], 64, 1],
      [[5, 9, 130], 70, 2],
      [[1, 8, 70], 130, 3],
      [[6, 6, 9], 911, 1],
    ] as const
  ).map(([shape, filters, samples]) => ({
    name: `wide conv on ${shape.join('x')} with ${filters} filters, ${samples} samples`,
    shape,
    samples,
    classes: 3,
    layers: [conv(filters, 3, 'relu'), gap, dense(3)],
  })),
  // The gradient of a kernel before a max pool: odd sides, channels that end within a block, more
  // and fewer samples than share a list.
  ...(
    [
      [[4, 5, 19], 6, 11],
      [[9, 7, 16], 33, 4],
      [[14, 14, 3], 2, 3],
    ] as const
  ).map(([shape, filters, samples]) => ({
    name: `pooled conv on ${shape.join('x')} with ${filters} filters, ${samples} samples`,
    shape,
    samples,
    classes: 3,
    layers: [conv(filters, 3, 'relu'), { type: 'max_pool2d' } as const, gap, dense(3)],
  })),
  {
    name: 'two wide conv layers with pools',
    shape: [7, 7, 128],
    samples: 2,
    classes: 3,
    layers: [
      conv(65, 3, 'relu', 'a'),
      { type: 'max_pool2d' },
      conv(130, 3, 'linear', 'b'),
      { type: 'max_pool2d' },
      { type: 'flatten' },
      dense(3),
    ],
  },
];

/** Checks so many numbers of every tensor, spread over it. */
const probes = 12;
const penalties = { l2: 0.003, labelSmoothing: 0.1 };

describe.each(cases)('$name', ({ shape, samples, classes, layers }) => {
  const classWeights = randomFloats(5, classes, 0.2, 2);
  const size = shape[0] * shape[1] * shape[2];
  const inputs = randomFloats(1, samples * size);
  const labels = randomLabels(2, samples, classes);

  function setUp() {
    const store = makeStore(shape, inputs);
    const heads = [{ seed: 3, learningRate: 1e-3, classWeights, ...penalties }];
    const trainer = new Trainer({ inputShape: shape, layers, classes, heads, threads: 2 });
    const weights = trainer.getWeights();
    let seed = 10;
    for (const [name, { data }] of Object.entries(weights)) {
      if (name.endsWith('/bias')) data.set(randomFloats(seed++, data.length, -0.3, 0.3));
    }
    trainer.setWeights(weights);
    return { store, trainer, weights };
  }

  test('loss and probabilities are those of the double-precision reference', async () => {
    const { store, trainer, weights } = setUp();
    const rows = range(samples);
    const options = { classWeights, ...penalties };
    const reference = referenceLoss(layers, shape, doubles(weights), inputs, labels, options);
    const { loss } = await trainer.gradients({ store, rows, labels });
    expect(loss).toBeCloseTo(reference.loss, 5);
    const probabilities = await trainer.predict({ store, rows });
    reference.logits.forEach((logits, n) => {
      const largest = Math.max(...logits);
      const total = logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
      logits.forEach((logit, k) => {
        expect(probabilities[n * classes + k]).toBeCloseTo(Math.exp(logit - largest) / total, 5);
      });
    });
  });

  test('gradients are the finite differences of the reference', async () => {
    const { store, trainer, weights } = setUp();
    const { gradients } = await trainer.gradients({ store, rows: range(samples), labels });
    const moved = doubles(weights);
    const options = { classWeights, ...penalties };
    const lossNow = () => referenceLoss(layers, shape, moved, inputs, labels, options).loss;
    for (const [name, { data }] of Object.entries(gradients)) {
      const values = moved[name]!;
      const largest = data.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
      const stride = Math.max(1, Math.floor(values.length / probes));
      for (let i = 0; i < values.length; i += stride) {
        const step = 1e-6;
        const value = values[i]!;
        values[i] = value + step;
        const above = lossNow();
        values[i] = value - step;
        const below = lossNow();
        values[i] = value;
        const expected = (above - below) / (2 * step);
        expect(Math.abs(data[i]! - expected), `${name}[${i}]`).toBeLessThan(1e-5 * largest + 2e-8);
      }
    }
  });
});

test('the gradient of many samples is the mean of those of their parts', async () => {
  const [shape, samples, classes] = [[7, 7, 128] as const, 75, 3];
  const store = makeStore(shape, randomFloats(1, samples * 49 * 128));
  const labels = randomLabels(2, samples, classes);
  const layers = [conv(64, 3, 'relu'), gap, dense(3)];
  const heads = [{ seed: 3, learningRate: 1e-3 }];
  const trainer = new Trainer({ inputShape: shape, layers, classes, heads });
  const part = (begin: number, end: number) =>
    trainer.gradients({
      store,
      rows: range(samples).slice(begin, end),
      labels: labels.slice(begin, end),
    });
  const [whole, first, second] = [await part(0, 75), await part(0, 31), await part(31, 75)];
  for (const [name, { data }] of Object.entries(whole.gradients)) {
    const mean = data.map(
      (_, i) => (31 * first.gradients[name]!.data[i]! + 44 * second.gradients[name]!.data[i]!) / 75,
    );
    expect(relativeError(data, mean), name).toBeLessThan(1e-5);
  }
});

test('a sample that is learnt has no gradient, whatever the number of samples and its weight', async () => {
  const store = makeStore([1, 1, 1], Float32Array.of(1));
  const trainer = new Trainer({
    inputShape: [1, 1, 1],
    layers: [{ type: 'dense', name: 'dense', units: 2 }],
    classes: 2,
    heads: [{ seed: 0, learningRate: 1e-3, classWeights: Float32Array.of(0.7, 1) }],
  });
  trainer.setWeights({
    'dense/kernel': { shape: [1, 2], data: Float32Array.of(60, -60) },
    'dense/bias': { shape: [2], data: Float32Array.of(0, 0) },
  });
  for (const count of [1, 3, 10, 31]) {
    const [rows, labels] = [new Int32Array(count), new Int32Array(count)];
    const { gradients } = await trainer.gradients({ store, rows, labels });
    for (const { data } of Object.values(gradients)) {
      for (const value of data) expect(Math.abs(value), `${count} samples`).toBeLessThan(1e-30);
    }
  }
});

test('a head of one class has nothing to learn', async () => {
  const store = makeStore([1, 1, 4], randomFloats(2, 20));
  const trainer = new Trainer({
    inputShape: [1, 1, 4],
    layers: [{ type: 'dense', name: 'dense', units: 1 }],
    classes: 1,
    heads: [{ seed: 0, learningRate: 1e-3, labelSmoothing: 0.1 }],
  });
  const before = trainer.getWeights();
  const batches = [{ rows: Int32Array.of(0, 1, 2, 3, 4), labels: new Int32Array(5) }];
  await trainer.trainSteps({ store, batches, batchSize: 3 });
  expect(trainer.getWeights()).toEqual(before);
});
