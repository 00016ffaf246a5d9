import { describe, expect, it } from 'vitest';

describe('arrays of numbers', () => {
  it('are equal by their numbers, alone and inside of other things', () => {
    const numbers = Float32Array.of(0, 1.5, Number.NaN);
    expect(numbers).toEqual(numbers.slice());
    expect({ a: [numbers] }).toEqual({ a: [numbers.slice()] });
    expect(numbers.subarray(1)).toStrictEqual(numbers.slice(1));
  });

  it.each([
    ['another number', Float32Array.of(1, 2), Float32Array.of(1, 3)],
    ['another length', Float32Array.of(1, 2), Float32Array.of(1, 2, 0)],
    ['the other zero', Float32Array.of(0), Float32Array.of(-0)],
    ['another type', Int32Array.of(0), Float32Array.of(0)],
    ['a list', [0], Float32Array.of(0)],
  ])('differ where there is %s', (_, a, b) => {
    expect(a).not.toEqual(b);
    expect({ a }).not.toEqual({ a: b });
  });

  it('are compared in an instant where they are large', () => {
    const numbers = new Float32Array(20_000_000).fill(0.5);
    expect(numbers).toEqual(numbers.slice());
  }, 15_000);
});
