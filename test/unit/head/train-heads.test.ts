import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { FeatureSet } from '#core/features';
import {
  cosineRate,
  type HeadVariation,
  headPreset,
  type TrainedHead,
  type TrainHeadsOptions,
  trainHead,
  trainHeads,
} from '#core/head';
import { syntheticFeatures, weightDigests } from './synthetic.ts';

const shape = [4, 4, 6];
const samples = 45;
const train = syntheticFeatures({ samples, classes: 3, shape, seed: 11 });
const base: Omit<TrainHeadsOptions, 'heads' | 'onEpoch'> = {
  train,
  validation: syntheticFeatures({ samples: 24, classes: 3, shape, separation: 0.3, seed: 12 }),
  classes: ['a', 'b', 'c'],
  head: headPreset('conv'),
  epochs: 6,
  batchSize: 8,
  earlyStopping: { patience: 100 },
};
const everyOther = Int32Array.from({ length: 22 }, (_, i) => 2 * i + 1);
const variations: readonly HeadVariation[] = [
  {},
  { seed: 5 },
  { learningRate: 1e-2 },
  { dropout: 0 },
  { weightDecay: 0.1 },
  { l2: 0.01, labelSmoothing: 0.1 },
  { classWeights: [1, 2, 0.5] },
  { trainSamples: everyOther, validationSamples: Int32Array.of(0, 1, 2, 9, 10) },
];

const comparable = (trained: TrainedHead) => ({
  weights: weightDigests(trained.weights),
  history: trained.history.map((record) => ({ ...record, seconds: 0 })),
  bestEpoch: trained.bestEpoch,
  stoppedBy: trained.stoppedBy,
  validation: trained.validation,
});

describe('many heads', () => {
  test('each learn what they learn alone, and no two the same', async () => {
    const together = await trainHeads({ ...base, heads: variations });
    for (const [i, variation] of variations.entries()) {
      const [alone] = await trainHeads({ ...base, heads: [variation] });
      expect(comparable(together[i] as TrainedHead)).toEqual(comparable(alone as TrainedHead));
    }
    const kernels = together.map(({ weights }) => weightDigests(weights)['conv2d/kernel']);
    expect(new Set(kernels).size).toBe(variations.length);
  });

  test('that see some samples learn what they learn from a set of just those', async () => {
    const [fold] = await trainHeads({ ...base, heads: [{ trainSamples: everyOther }] });
    const chosen = Array.from(everyOther, (i) => train.samples[i] as FeatureSet['samples'][number]);
    const alone = await trainHead({ ...base, train: { ...train, samples: chosen } });
    expect(comparable(fold as TrainedHead)).toEqual(comparable(alone));
  });

  test('learn the labels that they are given', async () => {
    const others = Int32Array.from({ length: samples }, (_, i) => (i + 1) % 3);
    const easy = syntheticFeatures({ samples: 24, classes: 3, shape, separation: 2, seed: 12 });
    const [own, turned] = await trainHeads({
      ...base,
      validation: easy,
      restoreBest: false,
      heads: [{}, { trainLabels: others }],
    });
    expect(own?.validation.accuracy).toBeGreaterThan(0.9);
    expect(turned?.validation.accuracy).toBeLessThan(0.1);
  });

  test('stop one by one', async () => {
    const heard: number[][] = [[], []];
    const trained = await trainHeads({
      ...base,
      epochs: 8,
      earlyStopping: { patience: 2, monitor: 'val_loss' },
      heads: [{}, { learningRate: 1e-12 }],
      onEpoch: ({ epoch }, head) => heard[head]?.push(epoch),
    });
    // A rate that changes nothing is stopped after the first epoch and two without better.
    expect(trained[1]?.history.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    expect(trained[1]?.stoppedBy).toBe('early-stopping');
    expect(trained[0]?.history.length).toBeGreaterThan(3);
    expect(heard).toEqual(trained.map(({ history }) => history.map(({ epoch }) => epoch)));
  });

  test.each([
    ['no heads', [], 'at least one head'],
    ['a fold of nothing', [{ trainSamples: new Int32Array() }], 'trainSamples must name at least'],
    ['a sample too high', [{ trainSamples: Int32Array.of(0, 45) }], 'names the sample 45'],
    ['a sample below', [{ validationSamples: Int32Array.of(-1) }], 'names the sample -1'],
    ['too few labels', [{ trainLabels: new Int32Array(44) }], '45 training samples'],
    ['a label that is no class', [{ trainLabels: new Int32Array(45).fill(3) }], 'from 0 to 2'],
    ['a bad rate', [{}, { learningRate: -1 }], 'learningRate must be'],
    ['a bad dropout', [{ dropout: 1 }], 'Dropout must be'],
  ] as const)('refuse %s', async (_, heads, message) => {
    const running = trainHeads({ ...base, heads });
    await expect(running).rejects.toThrow(message);
    await expect(running).rejects.toMatchObject({ name: 'HeadstartError' });
  });
});

describe('the learning rate', () => {
  test('follows half a cosine after a warm-up, step by step', async () => {
    const steps = Math.ceil(samples / 8);
    const trained = await trainHead({
      ...base,
      learningRateSchedule: { type: 'cosine', warmupEpochs: 2, alpha: 0.1 },
    });
    const options = { peak: 1e-3, warmupSteps: 2 * steps, decaySteps: 4 * steps, alpha: 0.1 };
    expect(trained.history.map(({ learningRate }) => learningRate)).toEqual(
      trained.history.map(({ epoch }) => cosineRate(options, epoch * steps - 1)),
    );
    const constant = await trainHead(base);
    expect(weightDigests(trained.weights)).not.toEqual(weightDigests(constant.weights));
  });

  test('falls where nothing gets better', async () => {
    const { history } = await trainHead({
      ...base,
      learningRate: 1e-12,
      earlyStopping: { monitor: 'val_loss', patience: 100 },
      learningRateSchedule: { type: 'plateau', factor: 0.5, patience: 2 },
    });
    // Keras's rates are float32.
    for (const [i, expected] of [1, 1, 1, 0.5, 0.5, 0.25].entries()) {
      expect((history[i]?.learningRate as number) / 1e-12).toBeCloseTo(expected, 6);
    }
    expect(history.length).toBe(6);
  });
});

describe('many heads that are interrupted and resumed', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'headstart-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test.each([
    { optimizer: 'sgd', momentum: 0.9, nesterov: true },
    { optimizer: 'rmsprop', momentum: 0.5 },
    { optimizer: 'adamw' },
  ] as const)('give the same bits, $optimizer', async (optimizer) => {
    const path = join(folder, 'training.checkpoint');
    const options: TrainHeadsOptions = {
      ...base,
      ...optimizer,
      learningRateSchedule: { type: 'plateau', patience: 1, factor: 0.5 },
      earlyStopping: { patience: 2, monitor: 'val_loss' },
      heads: [{}, { learningRate: 1e-12 }, { seed: 9 }],
    };
    const whole = await trainHeads(options);
    const controller = new AbortController();
    const reason = new Error('interrupted by the test');
    const running = trainHeads({
      ...options,
      signal: controller.signal,
      checkpoint: { path },
      // The second head has stopped by then.
      onEpoch: ({ epoch }) => {
        if (epoch === 4) controller.abort(reason);
      },
    });
    await expect(running).rejects.toBe(reason);
    await access(path);
    const resumed = await trainHeads({ ...options, checkpoint: { path, resume: true } });
    expect(resumed[0]?.resumedEpochs).toBe(4);
    expect(resumed.map(comparable)).toEqual(whole.map(comparable));
  });
});
