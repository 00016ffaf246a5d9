import { describe, expect, it } from 'vitest';
import { fromFloat16, maxFloat16, toFloat16 } from '#core/features';

const finiteBits = Uint16Array.from({ length: 0x10000 }, (_, i) => i).filter(
  (bits) => (bits & 0x7c00) !== 0x7c00,
);

function half(value: number): number {
  const target = new Uint16Array(1);
  expect(toFloat16(Float32Array.of(value), target)).toBe(-1);
  return target[0] as number;
}

describe('float16', () => {
  it('holds every finite float16 without change', () => {
    const target = new Uint16Array(finiteBits.length);
    expect(toFloat16(fromFloat16(finiteBits), target)).toBe(-1);
    expect(target).toEqual(finiteBits);
  });

  it('rounds to the nearest, and halfway to the even one', () => {
    const positive = finiteBits.filter((bits) => bits < 0x7bff);
    const low = fromFloat16(positive);
    const high = fromFloat16(positive.map((bits) => bits + 1));
    const middle = low.map((value, i) => (value + (high[i] as number)) / 2);
    const rounded = (values: Float32Array) => {
      const target = new Uint16Array(values.length);
      expect(toFloat16(values, target)).toBe(-1);
      return target;
    };
    expect(rounded(middle)).toEqual(positive.map((bits) => bits + (bits & 1)));
    const next = (value: number, step: number) => {
      const float = Float32Array.of(value);
      const bits = new Uint32Array(float.buffer);
      bits[0] = (bits[0] as number) + step;
      return float[0] as number;
    };
    expect(rounded(middle.map((value) => next(value, -1)))).toEqual(positive);
    expect(rounded(middle.map((value) => next(value, 1)))).toEqual(positive.map((b) => b + 1));
  });

  it('keeps the sign, also of zero and of what rounds to zero', () => {
    expect(half(-1)).toBe(0xbc00);
    expect(half(-0)).toBe(0x8000);
    expect(half(-1e-30)).toBe(0x8000);
    expect(half(2 ** -25)).toBe(0);
    expect(half(2 ** -24)).toBe(1);
  });

  it('says which number it cannot hold', () => {
    const target = new Uint16Array(3);
    expect(half(maxFloat16)).toBe(0x7bff);
    expect(half(65519.99)).toBe(0x7bff);
    for (const bad of [65520, -70000, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(toFloat16(Float32Array.of(1, 2, bad), target)).toBe(2);
    }
  });
});
