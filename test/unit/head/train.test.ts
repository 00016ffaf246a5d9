import { describe, expect, test } from 'vitest';
import {
  type HeadWeights,
  headPreset,
  planViews,
  predictHead,
  type TrainHeadOptions,
  trainHead,
  trainingSchedule,
} from '#core/head';
import { featureSet, syntheticFeatures, weightDigests } from './synthetic.ts';

const classes = ['a', 'b', 'c'];
const shape = [4, 4, 6];
const train = syntheticFeatures({ samples: 45, classes: 3, shape, seed: 11 });
const validation = syntheticFeatures({ samples: 24, classes: 3, shape, seed: 12 });
const base: TrainHeadOptions = {
  train,
  validation,
  classes,
  head: headPreset('linear'),
  epochs: 8,
  learningRate: 0.05,
  batchSize: 8,
  earlyStopping: { enabled: false },
};

const withoutSeconds = ({ history }: { history: readonly { seconds: number }[] }) =>
  history.map((record) => ({ ...record, seconds: 0 }));

describe('training', () => {
  test.each(['conv', 'linear', 'mlp'] as const)('teaches the head %s', async (name) => {
    const head = headPreset(name);
    const trained = await trainHead({ ...base, head, epochs: 40, learningRate: 0.01 });
    expect(trained.validation.accuracy).toBeGreaterThan(0.9);
    expect(trained.history[0]?.loss).toBeGreaterThan(trained.history[39]?.loss as number);
  });

  test('teaches a head on vectors', async () => {
    const vectors = { classes: 3, shape: [12], separation: 3 };
    const trained = await trainHead({
      ...base,
      train: syntheticFeatures({ ...vectors, samples: 45, seed: 1 }),
      validation: syntheticFeatures({ ...vectors, samples: 24, seed: 2 }),
    });
    expect(trained.validation.accuracy).toBeGreaterThan(0.9);
  });

  test('tells of each epoch as it ends', async () => {
    const heard: number[] = [];
    const progress: number[] = [];
    const trained = await trainHead({
      ...base,
      onEpoch: ({ epoch }) => heard.push(epoch),
      onProgress: ({ done }) => progress.push(done),
    });
    expect(heard).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(progress).toEqual([0, ...heard]);
    expect(trained.history.map(({ epoch }) => epoch)).toEqual(heard);
    expect(trained.stoppedBy).toBe('epochs');
  });

  test('gives the same bits again, and for any number of threads', async () => {
    const options = { ...base, head: headPreset('conv'), epochs: 3 };
    const one = await trainHead({ ...options, threads: 1 });
    const two = await trainHead({ ...options, threads: 2 });
    expect(weightDigests(two.weights)).toEqual(weightDigests(one.weights));
    expect(withoutSeconds(two)).toEqual(withoutSeconds(one));
  });

  test('depends on the seed', async () => {
    const [one, two] = [await trainHead(base), await trainHead({ ...base, seed: 1 })];
    expect(two.weights).not.toEqual(one.weights);
  });
});

describe('the weights kept', () => {
  // Validation labels are those of other data: accuracy goes up and down by chance.
  const noise = syntheticFeatures({ samples: 24, classes: 3, shape, separation: 0, seed: 5 });
  const noisy: TrainHeadOptions = { ...base, validation: noise, epochs: 12 };

  test('are the best epoch’s whatever ended the run', async () => {
    const { history, bestEpoch, keptEpoch, validation: measured } = await trainHead(noisy);
    const accuracies = history.map(({ valAccuracy }) => valAccuracy);
    expect(bestEpoch).toBe(accuracies.indexOf(Math.max(...accuracies)) + 1);
    expect(keptEpoch).toBe(bestEpoch);
    expect(bestEpoch).toBeLessThan(12);
    expect(measured.accuracy).toBe(Math.max(...accuracies));
  });

  test('are the last epoch’s on request', async () => {
    const {
      history,
      keptEpoch,
      validation: measured,
    } = await trainHead({
      ...noisy,
      restoreBest: false,
    });
    expect(keptEpoch).toBe(12);
    expect(measured.loss).toBe(history[11]?.valLoss);
  });

  test('are those that the probabilities come from', async () => {
    const { head, weights, validation: measured } = await trainHead(noisy);
    const again = await predictHead({ features: noise, head, weights });
    expect(again).toEqual(measured.probabilities);
    for (let i = 0; i < 24; i++) {
      const row = measured.probabilities.subarray(3 * i, 3 * i + 3);
      expect(row.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
    }
  });

  test('come early where nothing gets better', async () => {
    const trained = await trainHead({
      ...noisy,
      epochs: 50,
      earlyStopping: { patience: 2, minDelta: 10 },
    });
    expect(trained.stoppedBy).toBe('early-stopping');
    expect(trained.history).toHaveLength(3);
    expect(trained.bestEpoch).toBe(1);
  });
});

describe('options', () => {
  test('stepsPerEpoch trains on so many batches', async () => {
    // Ten steps of 8 over 45 samples: a pass of 5 full batches and one of 5, then 4 of 8.
    const ten = await trainHead({ ...base, stepsPerEpoch: 10, epochs: 1 });
    const auto = await trainHead({ ...base, epochs: 1 });
    expect(ten.history[0]?.loss).toBeLessThan(auto.history[0]?.loss as number);
  });

  test('stepsPerEpoch only divides the stream of batches anew', async () => {
    const auto = await trainHead({ ...base, restoreBest: false, epochs: 4 });
    const steps = await trainHead({ ...base, restoreBest: false, epochs: 2, stepsPerEpoch: 12 });
    expect(steps.weights).toEqual(auto.weights);
  });

  test('validationSteps measures on the first batches in order without shuffle', async () => {
    const options = { ...base, validationSteps: 2, shuffle: false, epochs: 1, restoreBest: false };
    const { history, validation: measured } = await trainHead(options);
    const first = validation.samples.slice(0, 16);
    const loss = first.reduce((sum, { label }, i) => {
      return sum - Math.log(measured.probabilities[3 * i + label] as number);
    }, 0);
    expect(history[0]?.valLoss).toBeCloseTo(loss / 16, 5);
    expect(measured.probabilities).toHaveLength(24 * 3);
  });

  test('validationSteps draws other batches in each epoch with shuffle', async () => {
    // So small a rate that the weights stay as they are.
    const options = { ...base, validationSteps: 1, learningRate: 1e-12, epochs: 4 };
    const losses = async (shuffle: boolean) =>
      new Set((await trainHead({ ...options, shuffle })).history.map(({ valLoss }) => valLoss));
    expect((await losses(true)).size).toBe(4);
    expect((await losses(false)).size).toBe(1);
  });

  test('views are looked up as planned', async () => {
    const options = { ...base, views: 'exact', epochs: 3, restoreBest: false } as const;
    const plan = planViews(trainingSchedule(options, 45));
    expect(plan).toEqual(Array.from({ length: 45 }, () => [1, 2, 3]));
    const views = syntheticFeatures({ samples: 45, classes: 3, shape, views: 3, seed: 3 });
    const trained = await trainHead({ ...options, train: views });
    // With views that are all the same, nothing depends on which is taken.
    const rows = views.samples.map((sample) => ({
      ...sample,
      rows: Array(3).fill(sample.rows[0]),
    }));
    const same = await trainHead({ ...options, train: { ...views, samples: rows } });
    const plain = await trainHead({
      ...options,
      views: 'none',
      train: { ...views, samples: rows },
    });
    expect(same.weights).toEqual(plain.weights);
    expect(trained.weights).not.toEqual(plain.weights);
  });

  test('balanced class weights weigh a sample of class k by n / (K * count of k)', async () => {
    const even = syntheticFeatures({ samples: 40, classes: 2, shape: [6], seed: 21 });
    const samples = even.samples.filter(({ label }, i) => label === 0 || i < 10);
    expect(samples).toHaveLength(20 + 5);
    const init: HeadWeights = {
      'dense/kernel': {
        shape: [6, 2],
        data: Float32Array.from({ length: 12 }, (_, i) => Math.sin(i)),
      },
      'dense/bias': { shape: [2], data: Float32Array.of(0.1, -0.2) },
    };
    // One step over everything: its loss is that of the first weights.
    const options = { ...base, classes: ['a', 'b'], train: { ...even, samples }, init };
    const once = { ...options, validation: options.train, epochs: 1, batchSize: 25 };
    const { head, history } = await trainHead({ ...once, classWeights: 'balanced' });
    const probabilities = await predictHead({ features: options.train, head, weights: init });
    const weight = [25 / (2 * 20), 25 / (2 * 5)] as const;
    const loss = samples.reduce((sum, { label }, i) => {
      return sum - (weight[label] as number) * Math.log(probabilities[2 * i + label] as number);
    }, 0);
    expect(history[0]?.loss).toBeCloseTo(loss / 25, 5);
    const unweighted = await trainHead(once);
    expect(unweighted.history[0]?.loss).not.toBeCloseTo(loss / 25, 2);
  });

  test('init sets the first weights', async () => {
    const first = await trainHead({ ...base, restoreBest: false });
    const next = await trainHead({ ...base, init: first.weights, epochs: 1 });
    expect(next.history[0]?.loss).toBeLessThan(first.history[0]?.loss as number);
  });

  test('init of another shape is refused by the tensor’s name', async () => {
    const init: HeadWeights = {
      'dense/kernel': { shape: [6, 4], data: new Float32Array(24) },
      'dense/bias': { shape: [4], data: new Float32Array(4) },
    };
    await expect(trainHead({ ...base, init })).rejects.toThrow(
      'have dense/kernel of shape [6, 4], but this head needs [6, 3]',
    );
  });
});

describe('what cannot be trained is refused', () => {
  const withSamples = (change: (index: number) => object) => ({
    ...train,
    samples: train.samples.map((sample, i) => ({ ...sample, ...change(i) })),
  });

  test.each<[string, Partial<TrainHeadOptions>, string]>([
    ['no training samples', { train: { ...train, samples: [] } }, 'no training samples'],
    ['no validation samples', { validation: { ...validation, samples: [] } }, 'no validation'],
    ['one class', { classes: ['a'] }, 'at least two classes to tell apart, not 1'],
    [
      'a label that is no class',
      { train: withSamples((i) => (i === 3 ? { label: 3 } : {})) },
      'The training sample class0/3.png has the label 3, but labels go from 0 to 2',
    ],
    [
      'a row that is not there',
      { train: withSamples((i) => (i === 3 ? { rows: [45] } : {})) },
      'points at the feature row 45, but there are 45',
    ],
    ['too few views', { views: 'exact' }, 'has 1 of the 8 views that the schedule draws'],
    [
      'validation features of another backbone',
      { validation: syntheticFeatures({ samples: 3, classes: 3, shape: [6] }) },
      'The features are 6, but the head takes 4x4x6',
    ],
    [
      'fewer rows than promised',
      { train: { ...train, rowCount: 46 } },
      'The features have 45 rows, not the 46 they should have',
    ],
  ])('%s', async (_, change, message) => {
    await expect(trainHead({ ...base, ...change })).rejects.toThrow(message);
  });

  test('features that are not finite numbers, by the name of the image', async () => {
    const options = { samples: 45, classes: 3, shape };
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const rows = new Float32Array(45 * 96);
      rows[7 * 96 + 5] = bad;
      const set = featureSet(rows, options);
      await expect(trainHead({ ...base, train: set })).rejects.toMatchObject({
        code: 'FEATURE_FILE_INVALID',
        message: expect.stringContaining(`The features of ${set.samples[7]?.name} hold a number`),
      });
    }
  });

  test('a rate at which the loss grows without bound, with what may help', async () => {
    const head = headPreset('conv');
    const wild = { ...base, head, optimizer: 'sgd' as const, learningRate: 1e30 };
    await expect(trainHead(wild)).rejects.toMatchObject({
      code: 'TRAINING_FAILED',
      message: expect.stringMatching(
        /loss became .* in epoch \d: use a learning rate below 1e\+30/,
      ),
    });
  });
});
