import { FeatureStore, Trainer } from '@headstart/native';
import { expect, test } from 'vitest';
import { linearHead, makeStore, randomFloats, range } from './support/heads.ts';

const refusal = (code: string, pattern: RegExp) =>
  expect.objectContaining({ name: 'NativeError', code, message: expect.stringMatching(pattern) });

test('counts rows and bytes as chunks come, and none once disposed of', () => {
  const store = new FeatureStore({ shape: [2, 3, 4], capacity: 10, dtype: 'float16' });
  expect([store.length, store.byteLength]).toEqual([0, 0]);
  store.append(new Uint16Array(24 * 3));
  store.append(new Uint16Array(0));
  store.append(new Uint16Array(24 * 7));
  expect([store.length, store.byteLength]).toEqual([10, 480]);
  store.dispose();
  store.dispose();
  expect([store.length, store.byteLength]).toEqual([0, 0]);
  expect(() => store.append(new Uint16Array(24))).toThrow(refusal('DISPOSED', /disposed/));
});

test('takes part of a larger buffer at any offset', async () => {
  const all = randomFloats(1, 12);
  const store = new FeatureStore({ shape: [1, 1, 4], capacity: 2, dtype: 'float32' });
  store.append(all.subarray(1, 5));
  store.append(all.subarray(5, 9));
  const same = makeStore([1, 1, 4], all.slice(1, 9));
  const predict = (from: FeatureStore) =>
    identityTrainer(4).predict({ store: from, rows: range(2) });
  expect(await predict(store)).toEqual(await predict(same));
});

test('broken rows and rows beyond the capacity are refused and leave it as it was', () => {
  const store = new FeatureStore({ shape: [1, 1, 4], capacity: 2, dtype: 'float32' });
  store.append(new Float32Array(4));
  expect(() => store.append(new Float32Array(5))).toThrow(refusal('INVALID_ARGUMENT', /4 numbers/));
  expect(() => store.append(new Float32Array(8))).toThrow(
    refusal('INVALID_ARGUMENT', /2 rows, of which 1 are free/),
  );
  expect(store.length).toBe(1);
});

test('another kind of array is refused rather than read as something else', () => {
  const store = new FeatureStore({ shape: [1, 1, 4], capacity: 2, dtype: 'float32' });
  for (const rows of [new Uint16Array(4), new Float64Array(4), [1, 2, 3, 4], undefined]) {
    expect(() => store.append(rows as never)).toThrow(
      refusal('INVALID_ARGUMENT', /a Float32Array, as the store is float32/),
    );
  }
});

test('wrong options are refused by name', () => {
  const make = (options: object) => () =>
    new FeatureStore({ shape: [1, 1, 4], capacity: 2, dtype: 'float32', ...options } as never);
  expect(make({ shape: [1, 4] })).toThrow(refusal('INVALID_ARGUMENT', /shape/));
  expect(make({ shape: [1, 0, 4] })).toThrow(refusal('INVALID_ARGUMENT', /shape\[1\].*0/));
  expect(make({ capacity: -1 })).toThrow(refusal('INVALID_ARGUMENT', /capacity/));
  expect(make({ dtype: 'float64' })).toThrow(refusal('INVALID_ARGUMENT', /dtype.*"float64"/));
});

test('memory that cannot be had is an error with the size in it', () => {
  const make = () =>
    new FeatureStore({ shape: [4096, 4096, 512], capacity: 2 ** 31 - 1, dtype: 'float32' });
  expect(make).toThrow(refusal('OUT_OF_MEMORY', /2147483647 rows of 4096x4096x512/));
});

/** Its logits are its inputs. */
function identityTrainer(classes: number): Trainer {
  const trainer = new Trainer({
    inputShape: [1, 1, classes],
    layers: [{ type: 'dense', name: 'dense', units: classes }],
    classes,
    heads: [{ seed: 0, learningRate: 0 }],
  });
  const kernel = new Float32Array(classes * classes);
  for (let i = 0; i < classes; i++) kernel[i * classes + i] = 1;
  trainer.setWeights({
    'dense/kernel': { shape: [classes, classes], data: kernel },
    'dense/bias': { shape: [classes], data: new Float32Array(classes) },
  });
  return trainer;
}

test('float16 features are read exactly: normal, subnormal, negative, whole rows and tails', async () => {
  const bits = [
    0x3c00, 0xc000, 0x0001, 0x83ff, 0x7bff, 0x0400, 0x0000, 0x8000, 0x3555, 0xbaad, 0x2e66,
  ];
  const values = bits.map((half) => {
    const [sign, exponent, mantissa] = [half >> 15, (half >> 10) & 31, half & 1023];
    const size =
      exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15);
    return sign ? -size : size;
  });
  const shape = [1, 1, 11] as const;
  const trainer = identityTrainer(11);
  const rows = range(2);
  const half = makeStore(shape, Uint16Array.from([...bits, ...bits]), 'float16');
  const float = makeStore(shape, Float32Array.from([...values, ...values]));
  const expected = await trainer.predict({ store: float, rows });
  expect(await trainer.predict({ store: half, rows })).toEqual(expected);
  expect(expected[4]).toBe(1);
});

test('a store that is disposed of while it is used stays alive until the operation has ended', async () => {
  const shape = [7, 7, 64] as const;
  const trainer = new Trainer({
    inputShape: shape,
    layers: linearHead(3),
    classes: 3,
    heads: [{ seed: 0, learningRate: 1e-3 }],
  });
  const data = randomFloats(1, 64 * 49 * 64);
  const rows = range(64);
  const kept = makeStore(shape, data);
  const dropped = makeStore(shape, data);
  const running = trainer.predict({ store: dropped, rows });
  dropped.dispose();
  expect(await running).toEqual(await trainer.predict({ store: kept, rows }));
});
