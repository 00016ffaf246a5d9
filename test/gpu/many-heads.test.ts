import { type HeadOptions, Trainer } from '@headstart/native';
import { describe, expect, test } from 'vitest';
import { convHead, linearHead, makeStore } from '../native/support/heads.ts';
import {
  classes,
  features,
  shape,
  unlikeBatches,
  unlikeHeads,
} from '../native/support/unlike-heads.ts';
import { hasGpu, isEmulated } from './support/device.ts';

/** The first six; one has no class weights. */
const heads = unlikeHeads
  .slice(0, 6)
  .map((head, i): HeadOptions => (i === 4 ? { ...head, classWeights: undefined } : head));
const batches = unlikeBatches.slice(0, 6);

const make = (options: HeadOptions[], layers = convHead(classes, 0.2)) =>
  new Trainer({ inputShape: shape, layers, classes, heads: options, backend: 'cuda' });

async function train(trainer: Trainer, mine = batches) {
  using store = makeStore(shape, features);
  await trainer.trainSteps({ store, batches: mine, batchSize: 8 });
  const metrics = await trainer.trainSteps({ store, batches: mine, batchSize: 8 });
  const scores = await trainer.evaluateHeads({ store, batches: mine, batchSize: 7 });
  const states = mine.map((_, i) => [trainer.getWeights(i), trainer.getOptimizerState(i)]);
  trainer.dispose();
  return { metrics, scores, states };
}

describe.runIf(hasGpu)('many heads on the GPU', () => {
  test.each([
    ['conv', convHead(classes, 0.2)],
    ['linear', linearHead(classes)],
  ] as const)('%s heads learn what each learns alone', async (_, layers) => {
    const together = await train(make(heads, [...layers]));
    for (const [i, head] of heads.entries()) {
      const alone = await train(make([head], [...layers]), [batches[i]!]);
      expect(together.metrics[i], `head ${i}`).toEqual(alone.metrics[0]);
      expect(together.scores[i], `head ${i}`).toEqual(alone.scores[0]);
      expect(together.states[i], `head ${i}`).toEqual(alone.states[0]);
    }
    expect(together.metrics[5]).toEqual({ loss: 0, accuracy: 0, samples: 0, steps: 0 });
  });

  test('two runs give the same bits', async () => {
    expect(await train(make(heads))).toEqual(await train(make(heads)));
  });

  test('more steps than one graph holds are those of single calls', async () => {
    using store = makeStore(shape, features);
    const head: HeadOptions = { seed: 1, learningRate: 1e-3 };
    using long = make([head]);
    using short = make([head]);
    const { rows, labels } = batches[0]!;
    const learningRates = Float64Array.from({ length: 23 }, (_, i) => 1e-3 / (1 + i));
    const metrics = await long.trainSteps({
      store,
      batches: [{ rows, labels, learningRates }],
      batchSize: 2,
    });
    expect(metrics[0]!.steps).toBe(23);
    for (let step = 0; step < 23; step++) {
      const part = (array: Int32Array) => array.slice(2 * step, 2 * step + 2);
      await short.trainSteps({
        store,
        batches: [
          {
            rows: part(rows),
            labels: part(labels),
            learningRates: learningRates.slice(step, step + 1),
          },
        ],
        batchSize: 2,
      });
    }
    expect(long.getWeights()).toEqual(short.getWeights());
    expect(long.getOptimizerState()).toEqual(short.getOptimizerState());
  });

  test('batches of evaluation do not change what is measured', async () => {
    using store = makeStore(shape, features);
    using trainer = make([{ seed: 1, learningRate: 1e-3 }]);
    const { rows, labels } = batches[0]!;
    const whole = await trainer.evaluate({ store, rows, labels, batchSize: 256 });
    expect(await trainer.evaluate({ store, rows, labels, batchSize: 4 })).toEqual(whole);
    expect(await trainer.predict({ store, rows, batchSize: 256 })).toEqual(
      await trainer.predict({ store, rows, batchSize: 3 }),
    );
  });

  test.runIf(isEmulated)('heads that do not fit at once are trained in groups', async () => {
    const all = await train(make(heads));
    process.env.HEADSTART_EMULATED_MEMORY = String(7_000_000);
    try {
      expect(await train(make(heads))).toEqual(all);
    } finally {
      delete process.env.HEADSTART_EMULATED_MEMORY;
    }
  });
});
