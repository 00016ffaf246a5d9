import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FeatureStore, Trainer } from '@headstart/native';
import { describe, expect, test } from 'vitest';
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

test.each(['float32', 'float16', 'bfloat16'] as const)(
  'takes rows of memory that threads share: %s',
  async (dtype) => {
    const kind = dtype === 'float16' ? Uint16Array : Float32Array;
    const buffer = new SharedArrayBuffer(12 * kind.BYTES_PER_ELEMENT);
    const shared = new kind(buffer as unknown as ArrayBuffer);
    shared.set(dtype === 'float16' ? range(12).map((i) => 0x3c00 + i) : randomFloats(1, 12));
    const store = makeStore([1, 1, 4], shared.subarray(4), dtype);
    const same = makeStore([1, 1, 4], shared.slice(4), dtype);
    const predict = (from: FeatureStore) =>
      identityTrainer(4).predict({ store: from, rows: range(2) });
    expect(await predict(store)).toEqual(await predict(same));
  },
);

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

describe('rows that are not finite', () => {
  const bits = { float32: 0x7f800000, float16: 0x7c01, bfloat16: 0xff80 } as const;

  test.each(['float32', 'float16', 'bfloat16'] as const)('are found in %s', (dtype) => {
    const store = new FeatureStore({ shape: [1, 2, 3], capacity: 9, dtype });
    const words = dtype === 'float32' ? new Uint32Array(54) : new Uint16Array(54);
    words[4 * 6 + 5] = bits[dtype];
    words[7 * 6] = bits[dtype];
    store.append(dtype === 'float32' ? new Float32Array(words.buffer) : (words as Uint16Array));
    expect(store.findInvalidRow()).toBe(4);
    expect(store.findInvalidRow(5)).toBe(7);
    expect(store.findInvalidRow(0, 4)).toBe(-1);
    expect(store.findInvalidRow(8, 100)).toBe(-1);
    expect(store.findInvalidRow(100, 1)).toBe(-1);
  });
});

test('a bfloat16 store rounds float32 numbers to the nearest, halfway to the even one', async () => {
  const numbers = Float32Array.of(1, 1.00390625, 1.01171875, -2.5);
  const store = new FeatureStore({ shape: [1, 1, 4], capacity: 2, dtype: 'bfloat16' });
  store.append(numbers);
  store.append(Uint16Array.of(0x3f80, 0x3f80, 0x3f82, 0xc020));
  const same = makeStore([1, 1, 4], Float32Array.of(1, 1, 1.015625, -2.5));
  const logits = (from: FeatureStore, row: number) =>
    identityTrainer(4).predict({ store: from, rows: Int32Array.of(row) });
  expect(await logits(store, 0)).toEqual(await logits(same, 0));
  expect(await logits(store, 1)).toEqual(await logits(same, 0));
});

describe('features that lie in a file', () => {
  const numbers = randomFloats(3, 5 * 12);
  const shape = [1, 3, 4] as const;

  async function withFile(body: (path: string) => Promise<void>) {
    const folder = await mkdtemp(join(tmpdir(), 'headstart-'));
    try {
      const path = join(folder, 'features.bin');
      await writeFile(path, Buffer.concat([Buffer.alloc(8 + 4), Buffer.from(numbers.buffer)]));
      await body(path);
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  test('are those that were written, and take no memory of the process', () =>
    withFile(async (path) => {
      using mapped = FeatureStore.map({ shape, dtype: 'float32', path, offset: 12, rows: 5 });
      expect([mapped.length, mapped.byteLength]).toEqual([5, 240]);
      const same = makeStore(shape, numbers);
      const predict = (store: FeatureStore) =>
        new Trainer({
          inputShape: shape,
          layers: linearHead(3),
          classes: 3,
          heads: [{ seed: 1, learningRate: 1 }],
        }).predict({ store, rows: range(5) });
      expect(await predict(mapped)).toEqual(await predict(same));
      expect(() => mapped.append(new Float32Array(12))).toThrow(
        refusal('INVALID_ARGUMENT', /5 rows, of which 0 are free/),
      );
    }));

  test('a file that is missing, too short, no file or badly aligned is named', () =>
    withFile(async (path) => {
      const map = (options: object) => () =>
        FeatureStore.map({ shape, dtype: 'float32', path, offset: 12, rows: 5, ...options });
      expect(map({ path: `${path}.none` })).toThrow(
        refusal('INVALID_ARGUMENT', /features\.bin\.none cannot be mapped: No such file/),
      );
      expect(map({ rows: 6 })).toThrow(
        refusal('INVALID_ARGUMENT', /features\.bin is 252 bytes long.*end at byte 300/),
      );
      expect(map({ offset: 2 ** 52 })).toThrow(refusal('INVALID_ARGUMENT', /is 252 bytes long/));
      expect(map({ offset: 10 })).toThrow(refusal('INVALID_ARGUMENT', /byte 10, which is no/));
      expect(map({ path: tmpdir() })).toThrow(refusal('INVALID_ARGUMENT', /cannot be mapped|long/));
      expect(map({ path: 7 })).toThrow(refusal('INVALID_ARGUMENT', /path/));
    }));
});
