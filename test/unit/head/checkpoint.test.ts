import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  headPreset,
  type TrainHeadOptions,
  type TrainHeadsOptions,
  trainHead,
  trainHeads,
} from '#core/head';
import { syntheticFeatures, weightDigests } from './synthetic.ts';

const shape = [4, 4, 6];
const base: TrainHeadOptions = {
  train: syntheticFeatures({ samples: 45, classes: 3, shape, seed: 11 }),
  validation: syntheticFeatures({ samples: 24, classes: 3, shape, separation: 0.3, seed: 12 }),
  classes: ['a', 'b', 'c'],
  head: headPreset('conv'),
  epochs: 9,
  stepsPerEpoch: 4,
  batchSize: 8,
  earlyStopping: { patience: 100 },
};

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headstart-'));
  path = join(folder, 'training.checkpoint');
});
afterEach(() => rm(folder, { recursive: true }));

/** Trains until so many epochs are done in this call, then aborts. */
async function interrupt(options: TrainHeadOptions, epochs: number, resume = false) {
  const controller = new AbortController();
  const reason = new Error('interrupted by the test');
  let done = 0;
  const running = trainHead({
    ...options,
    signal: controller.signal,
    checkpoint: { path, resume },
    onEpoch: () => {
      if (++done === epochs) controller.abort(reason);
    },
  });
  await expect(running).rejects.toBe(reason);
}

const comparable = (trained: Awaited<ReturnType<typeof trainHead>>) => ({
  weights: weightDigests(trained.weights),
  history: trained.history.map((record) => ({ ...record, seconds: 0 })),
  bestEpoch: trained.bestEpoch,
  stoppedBy: trained.stoppedBy,
  validation: trained.validation,
});

describe('a run that is interrupted and resumed', () => {
  test.each([true, false])('gives the same bits, restoreBest %s', async (restoreBest) => {
    const options = { ...base, restoreBest };
    const whole = await trainHead(options);
    await interrupt(options, 2);
    await interrupt(options, 3, true);
    const resumed = await trainHead({ ...options, checkpoint: { path, resume: true } });
    expect(resumed.resumedEpochs).toBe(5);
    expect(comparable(resumed)).toEqual(comparable(whole));
  });

  test('gives the same bits where it was cut off within an epoch', async () => {
    const whole = await trainHead(base);
    await interrupt(base, 2);
    // Aborts while the native side is at work: what was done of that epoch is lost.
    const controller = new AbortController();
    const reason = new Error('cut off');
    const running = trainHead({
      ...base,
      signal: controller.signal,
      checkpoint: { path, resume: true },
      onEpoch: () => setImmediate(() => controller.abort(reason)),
    });
    await expect(running).rejects.toBe(reason);
    const resumed = await trainHead({ ...base, checkpoint: { path, resume: true } });
    expect(resumed.resumedEpochs).toBeGreaterThanOrEqual(3);
    expect(comparable(resumed)).toEqual(comparable(whole));
  });

  test('goes on being patient where it was', async () => {
    const options = { ...base, earlyStopping: { patience: 3, minDelta: 10 } };
    const whole = await trainHead(options);
    expect(whole.history).toHaveLength(4);
    await interrupt(options, 2);
    const resumed = await trainHead({ ...options, checkpoint: { path, resume: true } });
    expect(comparable(resumed)).toEqual(comparable(whole));
  });

  test('loses no epoch where it was aborted after the last', async () => {
    const controller = new AbortController();
    const reason = new Error('too late');
    const running = trainHead({
      ...base,
      signal: controller.signal,
      checkpoint: { path },
      onEpoch: ({ epoch }) => {
        if (epoch === 9) setImmediate(() => controller.abort(reason));
      },
    });
    await expect(running).rejects.toBe(reason);
    const resumed = await trainHead({ ...base, checkpoint: { path, resume: true } });
    expect(resumed.resumedEpochs).toBe(9);
    expect(comparable(resumed)).toEqual(comparable(await trainHead(base)));
  });

  test.each([true, false])(
    'goes on beside a head that diverged, restoreBest %s',
    async (restoreBest) => {
      const options: TrainHeadsOptions = {
        ...{ ...base, onEpoch: undefined, restoreBest },
        diverged: 'stop',
        heads: [{}, { learningRate: 1e39, optimizer: 'sgd' }],
      };
      const whole = await trainHeads(options);
      expect(whole.map(({ stoppedBy }) => stoppedBy)).toEqual(['epochs', 'divergence']);
      const controller = new AbortController();
      const interrupted = trainHeads({
        ...options,
        signal: controller.signal,
        checkpoint: { path },
        onEpoch: ({ epoch }) => {
          if (epoch === 4) controller.abort();
        },
      });
      await expect(interrupted).rejects.toThrow(/aborted/);
      const resumed = await trainHeads({ ...options, checkpoint: { path, resume: true } });
      expect(resumed.map(comparable)).toEqual(whole.map(comparable));
    },
  );

  test('needs not train again where it had stopped early', async () => {
    const options = { ...base, earlyStopping: { patience: 3, minDelta: 10 } };
    await interrupt(options, 4);
    const epochs: number[] = [];
    const resumed = await trainHead({
      ...options,
      checkpoint: { path, resume: true },
      onEpoch: ({ epoch }) => epochs.push(epoch),
    });
    expect(epochs).toEqual([]);
    expect(resumed.stoppedBy).toBe('early-stopping');
  });
});

describe('a checkpoint', () => {
  test('is not asked for: a run starts anew without resume', async () => {
    await interrupt(base, 2);
    const trained = await trainHead({ ...base, checkpoint: { path } });
    expect(trained.resumedEpochs).toBe(0);
    expect(trained.history).toHaveLength(9);
  });

  test('that is not there is no obstacle to resume', async () => {
    const trained = await trainHead({ ...base, checkpoint: { path, resume: true } });
    expect(trained.resumedEpochs).toBe(0);
  });

  test('is not written before an epoch is done', async () => {
    const controller = new AbortController();
    controller.abort();
    await expect(
      trainHead({ ...base, signal: controller.signal, checkpoint: { path } }),
    ).rejects.toBe(controller.signal.reason);
    await expect(access(path)).rejects.toThrow();
  });

  test.each<[string, Partial<TrainHeadOptions>]>([
    ['learning rate', { learningRate: 0.5 }],
    ['seed', { seed: 3 }],
    ['epochs', { epochs: 10 }],
    ['head', { dropout: 0.5 }],
    ['classes', { classes: ['a', 'b', 'd'] }],
    ['training set', { train: syntheticFeatures({ samples: 48, classes: 3, shape }) }],
    ['feature extractor', { checkpoint: { path: '', featuresId: 'other' } }],
  ])('of another %s is refused', async (part, change) => {
    await interrupt(base, 1);
    const checkpoint = { ...change.checkpoint, path, resume: true };
    await expect(trainHead({ ...base, ...change, checkpoint })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(`is of a run with another ${part}:`),
    });
  });

  test('that is something else is refused', async () => {
    await writeFile(path, 'not a checkpoint, but long enough to be read');
    await expect(trainHead({ ...base, checkpoint: { path, resume: true } })).rejects.toMatchObject({
      code: 'RUN_INVALID',
      message: expect.stringContaining('Delete it or start without resuming'),
    });
  });

  test('that cannot be written is said', async () => {
    await writeFile(join(folder, 'file'), '');
    path = join(folder, 'file', 'training.checkpoint');
    const controller = new AbortController();
    const running = trainHead({
      ...base,
      signal: controller.signal,
      checkpoint: { path },
      onEpoch: () => controller.abort(),
    });
    await expect(running).rejects.toMatchObject({ code: 'OUTPUT_UNWRITABLE' });
  });
});
