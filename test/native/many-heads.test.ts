import { type HeadOptions, Trainer } from '@headstart/native';
import { describe, expect, test } from 'vitest';
import { convHead, linearHead, makeStore, range } from './support/heads.ts';
import {
  classes,
  features,
  samples,
  shape,
  unlikeBatches,
  unlikeHeads,
} from './support/unlike-heads.ts';

const [heads, batches] = [unlikeHeads, unlikeBatches];

describe.each([
  ['conv', convHead(classes, 0.2)],
  ['linear', linearHead(classes)],
] as const)('many %s heads at once', (_, layers) => {
  const make = (options: HeadOptions[], threads: number) =>
    new Trainer({ inputShape: shape, layers, classes, heads: options, threads });

  test.each([1, 2, 3, 16])('learn what each learns alone, on %i threads', async (threads) => {
    const store = makeStore(shape, features);
    const together = make(heads, threads);
    for (let epoch = 0; epoch < 2; epoch++) {
      await together.trainSteps({ store, batches, batchSize: 8 });
    }
    const metrics = await together.trainSteps({ store, batches, batchSize: 8 });
    const scores = await together.evaluateHeads({ store, batches, batchSize: 7 });
    for (const [i, head] of heads.entries()) {
      const alone = make([head], 1);
      const mine = [batches[i]!];
      for (let epoch = 0; epoch < 2; epoch++) {
        await alone.trainSteps({ store, batches: mine, batchSize: 8 });
      }
      const own = await alone.trainSteps({ store, batches: mine, batchSize: 8 });
      expect(metrics[i], `head ${i}`).toEqual(own[0]);
      expect(together.getWeights(i), `head ${i}`).toEqual(alone.getWeights());
      expect(together.getOptimizerState(i)).toEqual(alone.getOptimizerState());
      const { rows, labels } = mine[0]!;
      expect(scores[i]).toEqual(await alone.evaluate({ store, rows, labels, batchSize: 7 }));
    }
    expect(metrics[5]).toEqual({ loss: 0, accuracy: 0, samples: 0, steps: 0 });
  });
});

test('an abort leaves each head after a whole step that its state counts', async () => {
  const store = makeStore(shape, features);
  const layers = convHead(classes);
  const many = Array.from({ length: 6 }, (_, seed) => ({ seed, learningRate: 1e-3 }));
  const trainer = new Trainer({ inputShape: shape, layers, classes, heads: many, threads: 2 });
  const rows = range(20_000).map((i) => i % samples);
  const long = many.map(() => ({ rows, labels: rows.map((row) => row % classes) }));
  const controller = new AbortController();
  const running = trainer.trainSteps(
    { store, batches: long, batchSize: 4 },
    { signal: controller.signal },
  );
  setTimeout(() => controller.abort(), 100);
  await expect(running).rejects.toThrow(/aborted/);
  const steps = many.map((_, head) => trainer.getOptimizerState(head).step);
  expect(Math.max(...steps)).toBeGreaterThan(0);
  expect(Math.max(...steps)).toBeLessThan(5000);
  for (const [head, step] of steps.entries()) {
    const alone = new Trainer({ inputShape: shape, layers, classes, heads: [many[head]!] });
    const done = { rows: rows.slice(0, 4 * step), labels: long[head]!.labels.slice(0, 4 * step) };
    await alone.trainSteps({ store, batches: [done], batchSize: 4 });
    expect(trainer.getWeights(head), `head ${head}, ${step} steps`).toEqual(alone.getWeights());
  }
});

describe('a rate of its own for each step', () => {
  const train = async (learningRates: Float64Array | undefined, learningRate: number) => {
    const store = makeStore(shape, features);
    const trainer = new Trainer({
      inputShape: shape,
      layers: linearHead(classes),
      classes,
      heads: [{ seed: 1, learningRate }],
    });
    const rows = range(20);
    const batch = { rows, labels: rows.map((row) => row % classes), learningRates };
    await trainer.trainSteps({ store, batches: [batch], batchSize: 8 });
    return trainer;
  };

  test('is that of the step, and the head’s where none is given', async () => {
    const constant = await train(undefined, 0.01);
    expect((await train(Float64Array.of(0.01, 0.01, 0.01), 5)).getWeights()).toEqual(
      constant.getWeights(),
    );
    expect((await train(Float64Array.of(0.01, 0.01, 0), 5)).getWeights()).not.toEqual(
      constant.getWeights(),
    );
  });

  test.each([
    ['too few', Float64Array.of(1, 1)],
    ['too many', Float64Array.of(1, 1, 1, 1)],
    ['one that is not a number', Float64Array.of(1, Number.NaN, 1)],
    ['one below zero', Float64Array.of(1, -1, 1)],
    ['another array', [1, 1, 1] as never],
  ])('%s: refused', async (_, rates) => {
    await expect(train(rates, 1)).rejects.toThrow(
      /a Float64Array of 3 finite numbers of at least 0, one per step, for batches\[0\]\.learningRates/,
    );
  });
});
