import { backends, FeatureStore, type LayerSpec, Trainer } from '@headstart/native';
import { describe, expect, test } from 'vitest';
import { convHead, linearHead, makeStore, randomFloats, range } from './support/heads.ts';

const refusal = (pattern: RegExp, code = 'INVALID_ARGUMENT') =>
  expect.objectContaining({ name: 'NativeError', code, message: expect.stringMatching(pattern) });

const shape = [7, 7, 16] as const;
const base = {
  inputShape: shape,
  layers: linearHead(3),
  classes: 3,
  heads: [{ seed: 0, learningRate: 1e-3 }],
};

function setUp(options: object = {}) {
  const store = makeStore(shape, randomFloats(1, 32 * 7 * 7 * 16));
  const trainer = new Trainer({ ...base, ...options });
  return { store, trainer, rows: range(32), labels: new Int32Array(32) };
}

describe('a trainer that cannot be made says why', () => {
  const dense: LayerSpec = { type: 'dense', name: 'dense', units: 3 };
  test.each<[string, object, RegExp]>([
    ['no layers', { layers: [] }, /layers/],
    ['an unknown layer', { layers: [{ type: 'lstm' }] }, /layers\[0\]\.type.*"lstm"/],
    ['dense on a map', { layers: [dense] }, /layers\[0\] "dense" takes a vector.*7x7x16.*flatten/],
    [
      'a last layer of other units',
      { classes: 4 },
      /last layer must be a linear dense layer of 4 units/,
    ],
    [
      'a last layer with relu',
      { layers: [{ type: 'flatten' }, { ...dense, activation: 'relu' }] },
      /last layer must be a linear/,
    ],
    ['two layers of one name', { layers: [{ type: 'flatten' }, dense, dense] }, /named "dense"/],
    [
      'a kernel of 5',
      { layers: [{ type: 'conv2d', name: 'c', filters: 3, kernelSize: 5 }] },
      /1 or 3 for layers\[0\]\.kernelSize but received 5/,
    ],
    ['a rate of 1', { layers: [{ type: 'dropout', rate: 1 }] }, /layers\[0\]\.rate/],
    ['a layer without name', { layers: [{ type: 'dense', units: 3 }] }, /layers\[0\]\.name/],
    ['no classes', { classes: 0 }, /classes.*0/],
    ['no heads', { heads: [] }, /heads/],
    ['a seed that is not whole', { heads: [{ seed: 0.5, learningRate: 1 }] }, /heads\[0\]\.seed/],
    [
      'a learning rate that is not a number',
      { heads: [{ seed: 0, learningRate: Number.NaN }] },
      /heads\[0\]\.learningRate.*NaN/,
    ],
    ['beta1 of 1', { heads: [{ seed: 0, learningRate: 1, beta1: 1 }] }, /heads\[0\]\.beta1/],
    [
      'class weights of another length',
      { heads: [{ seed: 0, learningRate: 1, classWeights: new Float32Array(2) }] },
      /heads\[0\]\.classWeights.*length 2/,
    ],
    [
      'negative class weights',
      { heads: [{ seed: 0, learningRate: 1, classWeights: Float32Array.of(1, -1, 1) }] },
      /classWeights/,
    ],
    ['no threads', { threads: 0 }, /threads/],
    ['a flat shape', { inputShape: [784] }, /inputShape/],
    [
      'more parameters than memory has addresses for',
      {
        layers: [{ type: 'flatten' }, { type: 'dense', name: 'd', units: 2 ** 20 }],
        inputShape: [64, 64, 1024],
      },
      /d\/kernel would have more than/,
    ],
  ])('%s', (_, options, pattern) => {
    expect(() => new Trainer({ ...base, ...options } as never)).toThrow(refusal(pattern));
  });

  const cuda = backends().find(({ name }) => name === 'cuda')!;

  test.skipIf(cuda.available)('without a GPU, training on it is refused with the reason', () => {
    expect(cuda).toMatchObject({ reason: expect.stringMatching(/\w+ \w+/), compute: [] });
    const reason = refusal(
      new RegExp(`CUDA is not available: ${cuda.reason}`),
      'DEVICE_UNAVAILABLE',
    );
    expect(() => new Trainer({ ...base, backend: 'cuda' })).toThrow(reason);
    expect(
      () => new FeatureStore({ shape: [1, 1, 2], capacity: 1, dtype: 'float32', device: 'cuda' }),
    ).toThrow(reason);
  });

  test('the CPU is described', () => {
    expect(backends()[0]).toMatchObject({
      name: 'cpu',
      available: true,
      description: expect.stringMatching(/^CPU, .+, \d+ threads?$/),
    });
  });
});

describe('wrong samples are refused by name', () => {
  test.each<[string, object, RegExp]>([
    [
      'rows beyond the store',
      { rows: Int32Array.of(0, 32), labels: new Int32Array(2) },
      /0 to 31 for .*rows\[1\] but received 32/,
    ],
    ['negative rows', { rows: Int32Array.of(-1), labels: new Int32Array(1) }, /rows\[0\].*-1/],
    [
      'labels beyond the classes',
      { rows: range(1), labels: Int32Array.of(3) },
      /0 to 2 for .*labels\[0\] but received 3/,
    ],
    ['negative labels', { rows: range(1), labels: Int32Array.of(-1) }, /labels\[0\].*-1/],
    [
      'fewer labels than rows',
      { rows: range(3), labels: new Int32Array(2) },
      /3 labels, one per row/,
    ],
    ['a plain array', { rows: [0], labels: new Int32Array(1) }, /an Int32Array for .*rows/],
    ['floats', { rows: new Float32Array(1), labels: new Int32Array(1) }, /an Int32Array/],
  ])('%s', async (_, batch, pattern) => {
    const { store, trainer } = setUp();
    const call = trainer.trainSteps({ store, batches: [batch as never], batchSize: 8 });
    await expect(call).rejects.toThrow(refusal(pattern));
    await expect(
      trainer.evaluate({ store, ...(batch as { rows: never; labels: never }) }),
    ).rejects.toThrow(refusal(pattern));
  });

  test('batches, batch sizes, heads and stores that do not fit', async () => {
    const { store, trainer, rows, labels } = setUp();
    const batch = { rows, labels };
    const train = (options: object) =>
      trainer.trainSteps({ store, batches: [batch], batchSize: 8, ...options } as never);
    await expect(train({ batches: [] })).rejects.toThrow(
      refusal(/1, one entry a head, for batches/),
    );
    await expect(train({ batchSize: 0 })).rejects.toThrow(refusal(/batchSize.*0/));
    await expect(train({ store: {} })).rejects.toThrow(refusal(/a FeatureStore for store/));
    await expect(trainer.predict({ store, rows, head: 1 })).rejects.toThrow(refusal(/head.*1/));
    const other = makeStore([1, 1, 4], new Float32Array(4 * 32));
    await expect(train({ store: other })).rejects.toThrow(
      refusal(/holds 1x1x4 features, but the head takes 7x7x16/),
    );
    store.dispose();
    const none = { rows: new Int32Array(), labels: new Int32Array() };
    await expect(train({ batches: [none] })).rejects.toThrow(refusal(/disposed/, 'DISPOSED'));
  });

  test('an empty store has no rows to train on', async () => {
    const { trainer } = setUp();
    const store = new FeatureStore({ shape, capacity: 0, dtype: 'float32' });
    const call = trainer.predict({ store, rows: Int32Array.of(0) });
    await expect(call).rejects.toThrow(refusal(/rows\[0\]/));
  });
});

describe('wrong weights are refused by name and change nothing', () => {
  test.each<[string, object, RegExp]>([
    ['missing', {}, /dense\/kernel is missing/],
    [
      'of another shape',
      { 'dense/kernel': { shape: [3, 16], data: new Float32Array(48) } },
      /dense\/kernel must have the shape \[16, 3\]/,
    ],
    [
      'whose numbers do not fill the shape',
      { 'dense/kernel': { shape: [16, 3], data: new Float32Array(47) } },
      /length 48.*dense\/kernel.*length 47/,
    ],
    [
      'unknown',
      {
        'dense/kernel': { shape: [16, 3], data: new Float32Array(48) },
        'dense/bias': { shape: [3], data: new Float32Array(3) },
        'extra/bias': { shape: [3], data: new Float32Array(3) },
      },
      /no tensor extra\/bias/,
    ],
    [
      'of another type',
      { 'dense/kernel': { shape: [16, 3], data: new Float64Array(48) } },
      /Float32Array/,
    ],
  ])('%s', (_, weights, pattern) => {
    const { trainer } = setUp();
    const before = trainer.getWeights();
    expect(() => trainer.setWeights(weights as never)).toThrow(refusal(pattern));
    expect(trainer.getWeights()).toEqual(before);
  });

  test('getWeights gives a copy', () => {
    const { trainer } = setUp();
    const before = trainer.getWeights();
    trainer.getWeights()['dense/kernel']!.data.fill(9);
    expect(trainer.getWeights()).toEqual(before);
  });
});

describe('features that are no numbers', () => {
  test.each([0, 1, 2, 3])(
    'a not-a-number in place %i of a window is the maximum',
    async (place) => {
      const values = new Float32Array(4).fill(1);
      values[place] = Number.NaN;
      const trainer = new Trainer({
        inputShape: [2, 2, 1],
        layers: [
          { type: 'max_pool2d' },
          { type: 'flatten' },
          { type: 'dense', name: 'd', units: 2 },
        ],
        classes: 2,
        heads: [{ seed: 0, learningRate: 1e-3 }],
      });
      const store = makeStore([2, 2, 1], values);
      const [probability] = await trainer.predict({ store, rows: Int32Array.of(0) });
      expect(probability).toBeNaN();
    },
  );

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    '%d gives a loss that is not a number, counts as wrong, and harms nothing else',
    async (value) => {
      const data = randomFloats(1, 4 * 7 * 7 * 16);
      data[100] = value;
      const store = makeStore(shape, data);
      const trainer = new Trainer({ ...base, layers: convHead(3) });
      const labels = new Int32Array(4);
      const { loss, accuracy } = await trainer.evaluate({
        store,
        rows: Int32Array.of(0),
        labels: labels.slice(0, 1),
      });
      expect([loss, accuracy]).toEqual([Number.NaN, 0]);
      const clean = { store, rows: Int32Array.of(1, 2), labels: labels.slice(0, 2) };
      expect((await trainer.evaluate(clean)).loss).toBeGreaterThan(0);
      const batches = [{ rows: range(4), labels }];
      const [metrics] = await trainer.trainSteps({ store, batches, batchSize: 4 });
      expect(metrics!.loss).toBeNaN();
    },
  );
});
