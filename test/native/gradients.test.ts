import { type LayerSpec, Trainer } from '@headstart/native';
import { describe, expect, test } from 'vitest';
import { makeStore, randomFloats, randomLabels, range, type Shape } from './support/heads.ts';
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
];

/** Checks so many numbers of every tensor, spread over it. */
const probes = 12;

describe.each(cases)('$name', ({ shape, samples, classes, layers }) => {
  const classWeights = randomFloats(5, classes, 0.2, 2);
  const size = shape[0] * shape[1] * shape[2];
  const inputs = randomFloats(1, samples * size);
  const labels = randomLabels(2, samples, classes);

  function setUp() {
    const store = makeStore(shape, inputs);
    const heads = [{ seed: 3, learningRate: 1e-3, classWeights }];
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
    const reference = referenceLoss(layers, shape, doubles(weights), inputs, labels, classWeights);
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
    const lossNow = () => referenceLoss(layers, shape, moved, inputs, labels, classWeights).loss;
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
        expect(Math.abs(data[i]! - expected), `${name}[${i}]`).toBeLessThan(2e-5 * largest + 1e-8);
      }
    }
  });
});
