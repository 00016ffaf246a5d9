import { expect, test } from 'vitest';
import { relativeDistance } from '../../../packages/core/dist/features/cache-recompute.js';

const numbers = (...values: number[]) => Float32Array.from(values);

test('a distance of features is a number, also where nothing can be compared', () => {
  expect(relativeDistance(numbers(3, 0), numbers(0, 4))).toBeCloseTo(5 / 4);
  expect(relativeDistance(numbers(0, 0), numbers(0, 0))).toBe(0);
  expect(relativeDistance(numbers(1, 0), numbers(0, 0))).toBe(1);
  expect(relativeDistance(numbers(Number.NaN, 0), numbers(1, 0))).toBe(1);
  expect(relativeDistance(numbers(1), numbers(1, 0))).toBe(1);
});
