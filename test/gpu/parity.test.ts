import {
  type BackendName,
  type Compute,
  type HeadOptions,
  type LayerSpec,
  type OptimizerSpec,
  type TensorMap,
  Trainer,
} from '@headstart/native';
import { describe, expect, test } from 'vitest';
import {
  convHead,
  makeStore,
  randomFloats,
  randomLabels,
  range,
  relativeError,
  type Shape,
} from '../native/support/heads.ts';
import { hasGpu, tolerance, toleranceBehindKinks } from './support/device.ts';

interface HeadCase {
  readonly name: string;
  readonly shape: Shape;
  readonly layers: LayerSpec[];
  readonly samples: number;
}

const relu = 'relu' as const;
const dense = (units: number, name = 'dense'): LayerSpec => ({ type: 'dense', name, units });
const conv = (name: string, filters: number, kernelSize: 1 | 3): LayerSpec => ({
  type: 'conv2d',
  name,
  filters,
  kernelSize,
  activation: relu,
});

/** Every layer, alone and beside every other that it may be fused with, at odd sizes. */
const cases: HeadCase[] = [
  { name: 'dense', shape: [1, 1, 37], layers: [dense(5)], samples: 9 },
  {
    name: 'two dense layers with dropout before and between',
    shape: [1, 1, 70],
    layers: [
      { type: 'dropout', rate: 0.3 },
      { ...dense(33, 'hidden'), activation: relu } as LayerSpec,
      { type: 'dropout', rate: 0.5 },
      dense(2),
    ],
    samples: 67,
  },
  {
    name: 'convolutions of 1x1 and 3x3, without a pool',
    shape: [5, 3, 7],
    layers: [conv('a', 6, 1), conv('b', 35, 3), { type: 'flatten' }, dense(3)],
    samples: 11,
  },
  {
    name: 'convolutions without ReLU, smooth throughout',
    shape: [5, 7, 34],
    layers: [
      { type: 'conv2d', name: 'a', filters: 33, kernelSize: 3 },
      { type: 'conv2d', name: 'b', filters: 20, kernelSize: 3 },
      { type: 'global_average_pool2d' },
      dense(3),
    ],
    samples: 19,
  },
  {
    name: 'convolution, dropout, then pool',
    shape: [4, 6, 9],
    layers: [
      conv('a', 10, 3),
      { type: 'dropout', rate: 0.25 },
      { type: 'max_pool2d' },
      { type: 'flatten' },
      dense(4),
    ],
    samples: 5,
  },
  {
    name: 'pools of features, of each other, and of one pixel',
    shape: [7, 5, 3],
    layers: [
      { type: 'max_pool2d' },
      { type: 'max_pool2d' },
      conv('a', 5, 3),
      { type: 'max_pool2d' },
      { type: 'max_pool2d' },
      { type: 'flatten' },
      { type: 'max_pool2d' },
      dense(3),
    ],
    samples: 8,
  },
  {
    name: 'convolution and flatten, then a pool of what is one pixel',
    shape: [3, 3, 4],
    layers: [conv('a', 3, 3), { type: 'flatten' }, { type: 'max_pool2d' }, dense(3)],
    samples: 8,
  },
  {
    name: 'mean of features, then dropout',
    shape: [3, 5, 40],
    layers: [{ type: 'global_average_pool2d' }, { type: 'dropout', rate: 0.2 }, dense(3)],
    samples: 13,
  },
  {
    name: 'mean after a pool',
    shape: [5, 5, 6],
    layers: [conv('a', 9, 3), { type: 'max_pool2d' }, { type: 'global_average_pool2d' }, dense(3)],
    samples: 13,
  },
  { name: 'the original head', shape: [7, 7, 66], layers: convHead(3, 0.25), samples: 21 },
  {
    name: 'one sample, one class',
    shape: [2, 1, 3],
    layers: [{ type: 'flatten' }, dense(1)],
    samples: 1,
  },
];

const flat = (tensors: TensorMap) =>
  Float32Array.from(Object.values(tensors).flatMap(({ data }) => [...data]));

/** Norm of the difference, relative to that of the reference. */
function relativeNorm(actual: Float32Array, expected: Float32Array): number {
  const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));
  return norm(actual.map((x, i) => x - expected[i]!)) / Math.max(norm(expected), 1e-30);
}

const options: HeadOptions = { seed: 3, learningRate: 1e-3 };

describe.runIf(hasGpu).each(cases)('$name', ({ shape, layers, samples }) => {
  const classes = (layers.at(-1) as { units: number }).units;
  const hasKinks = layers.some(
    (layer) => layer.type === 'max_pool2d' || ('activation' in layer && layer.activation === relu),
  );
  const inputs = randomFloats(5, samples * shape[0] * shape[1] * shape[2]);
  const labels = randomLabels(6, samples, classes);
  const rows = range(samples).map((row) => (row * 5 + 2) % samples);
  const weighted: HeadOptions = {
    ...options,
    l2: 1e-2,
    labelSmoothing: 0.1,
    classWeights: randomFloats(7, classes, 0.5, 2),
  };

  async function results(backend: BackendName, compute: Compute, head: HeadOptions) {
    using store = makeStore(shape, inputs);
    const trainer = new Trainer({
      inputShape: shape,
      layers,
      classes,
      heads: [head],
      backend,
      compute,
    });
    const { loss, gradients } = await trainer.gradients({ store, rows, labels, dropout: true });
    const scores = await trainer.evaluate({ store, rows, labels, batchSize: 4 });
    const probabilities = await trainer.predict({ store, rows, batchSize: 5 });
    trainer.dispose();
    return { loss, gradients, scores, probabilities };
  }

  test.each(['fp32', 'tf32', 'bf16'] as const)('%s gives what the CPU gives', async (compute) => {
    const within = tolerance[compute];
    for (const head of [options, weighted]) {
      const cpu = await results('cpu', 'fp32', head);
      const gpu = await results('cuda', compute, head);
      expect(relativeError([gpu.loss], [cpu.loss]), 'loss').toBeLessThan(within);
      expect(relativeError([gpu.scores.loss], [cpu.scores.loss]), 'val_loss').toBeLessThan(within);
      expect(relativeError(gpu.probabilities, cpu.probabilities)).toBeLessThan(within);
      if (compute === 'fp32') expect(gpu.scores.accuracy).toBe(cpu.scores.accuracy);
      // With one class all gradients are zero but the penalty's; what is left is rounding.
      if (classes === 1) continue;
      expect(relativeNorm(flat(gpu.gradients), flat(cpu.gradients))).toBeLessThan(
        toleranceBehindKinks[compute],
      );
      if (hasKinks && compute !== 'fp32') continue;
      for (const [name, { data, shape: sides }] of Object.entries(cpu.gradients)) {
        expect(gpu.gradients[name]!.shape).toEqual(sides);
        expect(relativeError(gpu.gradients[name]!.data, data), name).toBeLessThan(within);
      }
    }
  });
});

const optimizers: { name: string; optimizer: OptimizerSpec; weightDecay?: number }[] = [
  { name: 'adam', optimizer: { type: 'adam', beta1: 0.8, beta2: 0.99, epsilon: 1e-5 } },
  { name: 'adamw', optimizer: { type: 'adamw' } },
  { name: 'sgd', optimizer: { type: 'sgd' }, weightDecay: 0.01 },
  { name: 'sgd, momentum', optimizer: { type: 'sgd', momentum: 0.9 } },
  { name: 'sgd, nesterov', optimizer: { type: 'sgd', momentum: 0.9, nesterov: true } },
  { name: 'rmsprop', optimizer: { type: 'rmsprop', rho: 0.8 } },
  { name: 'rmsprop, momentum', optimizer: { type: 'rmsprop', momentum: 0.5 } },
];

describe.runIf(hasGpu).each(optimizers)('$name', ({ optimizer, weightDecay }) => {
  test('twenty steps end where the CPU’s end', async () => {
    const shape = [3, 3, 5] as const;
    const labels = randomLabels(2, 30, 3);
    const learningRates = Float64Array.from({ length: 5 }, (_, i) => 1e-3 / (i + 1));
    const train = async (backend: BackendName) => {
      using store = makeStore(shape, randomFloats(1, 30 * 45));
      const trainer = new Trainer({
        inputShape: shape,
        layers: [conv('a', 5, 3), { type: 'flatten' }, dense(3)],
        classes: 3,
        heads: [{ seed: 1, learningRate: 1e-3, optimizer, weightDecay, l2: 1e-3 }],
        backend,
      });
      const batches = [{ rows: range(30), labels, learningRates }];
      for (let epoch = 0; epoch < 4; epoch++) {
        await trainer.trainSteps({ store, batches, batchSize: 7 });
      }
      const state = trainer.getOptimizerState();
      expect(state.step).toBe(20);
      return { weights: trainer.getWeights(), state };
    };
    const [cpu, gpu] = [await train('cpu'), await train('cuda')];
    for (const [name, { data }] of Object.entries(cpu.weights)) {
      expect(relativeError(gpu.weights[name]!.data, data), name).toBeLessThan(1e-4);
    }
    for (const moment of ['m', 'v'] as const) {
      expect(Object.keys(gpu.state[moment])).toEqual(Object.keys(cpu.state[moment]));
      for (const [name, { data }] of Object.entries(cpu.state[moment])) {
        expect(relativeError(gpu.state[moment][name]!.data, data), name).toBeLessThan(1e-3);
      }
    }
  });
});

describe.runIf(hasGpu)('a training curve', () => {
  const [shape, samples, classes] = [[7, 7, 40] as const, 60, 3];
  const labels = range(samples).map((row) => row % classes);
  // Each class has channels that are brighter, so that there is something to learn.
  const features = randomFloats(4, samples * 1960, 0, 1).map((value, i) =>
    (i % 40) % classes === Math.floor(i / 1960) % classes ? value + 0.2 : value,
  );

  async function curve(backend: BackendName, compute: Compute) {
    using store = makeStore(shape, features);
    const trainer = new Trainer({
      inputShape: shape,
      layers: convHead(classes, 0.25),
      classes,
      heads: [{ seed: 2, learningRate: 1e-3 }],
      backend,
      compute,
    });
    const losses: number[] = [];
    for (let step = 0; step < 30; step++) {
      const rows = range(20).map((row) => (row * 7 + step * 20) % samples);
      const batches = [{ rows, labels: rows.map((row) => labels[row]!) }];
      const [metrics] = await trainer.trainSteps({ store, batches, batchSize: 20 });
      losses.push(metrics!.loss);
    }
    return losses;
  }

  test('of 30 steps is the CPU’s', async () => {
    const cpu = await curve('cpu', 'fp32');
    expect(cpu.at(-1)!).toBeLessThan(0.5 * cpu[0]!);
    expect(relativeError(await curve('cuda', 'fp32'), cpu)).toBeLessThan(1e-4);
    expect(relativeError(await curve('cuda', 'tf32'), cpu)).toBeLessThan(0.05);
    expect(relativeError(await curve('cuda', 'bf16'), cpu)).toBeLessThan(0.1);
  });
});

describe.runIf(hasGpu)('features', () => {
  const shape = [3, 3, 6] as const;
  const labels = randomLabels(2, 12, 3);
  // The bits of numbers from 0 to 2 in float16; the same bits are other numbers in bfloat16.
  const bits = Uint16Array.from(randomFloats(1, 12 * 54, 0, 0x4000), Math.floor);

  test.each(['float16', 'bfloat16'] as const)(
    'in %s are read as the CPU reads them',
    async (dtype) => {
      const probabilities = async (backend: BackendName) => {
        using store = makeStore(shape, bits, dtype);
        const trainer = new Trainer({
          inputShape: shape,
          layers: [conv('a', 8, 3), { type: 'max_pool2d' }, { type: 'flatten' }, dense(3)],
          classes: 3,
          heads: [options],
          backend,
        });
        const batches = [{ rows: range(12), labels }];
        await trainer.trainSteps({ store, batches, batchSize: 5 });
        return trainer.predict({ store, rows: range(12) });
      };
      const cpu = await probabilities('cpu');
      expect(relativeError(await probabilities('cuda'), cpu)).toBeLessThan(1e-4);
    },
  );
});
