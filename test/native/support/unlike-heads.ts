import type { HeadOptions, OptimizerSpec } from '@headstart/native';
import { randomFloats, randomLabels, range } from './heads.ts';

export const [samples, classes] = [45, 3];
export const shape = [5, 5, 6] as const;
export const features = randomFloats(1, samples * 150);
const optimizers: OptimizerSpec[] = [
  { type: 'adam' },
  { type: 'adamw' },
  { type: 'sgd', momentum: 0.9, nesterov: true },
  { type: 'rmsprop', momentum: 0.5 },
];

/** Heads that differ in everything that may differ. */
export const unlikeHeads = Array.from(
  { length: 9 },
  (_, i): HeadOptions => ({
    seed: i,
    learningRate: 1e-3 * (i + 1),
    optimizer: optimizers[i % 4],
    l2: i % 2 === 0 ? 0 : 1e-3,
    labelSmoothing: i % 3 === 0 ? 0.1 : 0,
    dropout: i / 20,
    classWeights: randomFloats(30 + i, classes, 0.5, 2),
  }),
);

/** Each sees other samples, in another order, with labels of its own; one sees none. */
export const unlikeBatches = unlikeHeads.map((_, i) => {
  const rows = range(i === 5 ? 0 : samples - 4 * i).map((row) => (row * 7 + i) % samples);
  return { rows, labels: randomLabels(50 + i, rows.length, classes) };
});
