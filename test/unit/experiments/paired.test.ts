import { describe, expect, test } from 'vitest';
import { comparePaired } from '#core/experiments';

/** [both right, only the first, only the second, neither] */
function answers(both: number, first: number, second: number, neither: number) {
  const repeat = (n: number, value: boolean) => new Array<boolean>(n).fill(value);
  return [
    [...repeat(both + first, true), ...repeat(second + neither, false)],
    [
      ...repeat(both, true),
      ...repeat(first, false),
      ...repeat(second, true),
      ...repeat(neither, false),
    ],
  ] as const;
}

describe('a paired comparison', () => {
  test('counts only images on which the two differ', () => {
    const few = comparePaired(...answers(80, 2, 8, 10));
    expect(few).toMatchObject({ samples: 100, onlyFirst: 2, onlySecond: 8, difference: 0.06 });
    // scipy 1.16: binomtest(2, 10).pvalue
    expect(few.mcnemar).toBeCloseTo(0.109375, 9);
    // The normal interval of a mean of -1, 0 and 1: 0.06 ± 1.96 * sqrt(0.0964 / 100).
    expect(few.interval[0]).toBeCloseTo(-0.001, 1);
    expect(few.interval[1]).toBeCloseTo(0.121, 1);
  });

  test('finds a real difference, and none between equals', () => {
    const real = comparePaired(...answers(70, 5, 25, 0));
    expect(real.interval[0]).toBeGreaterThan(0);
    expect(real.p).toBeLessThan(0.01);
    expect(real.mcnemar).toBeLessThan(0.01);
    const equal = comparePaired(...answers(70, 10, 10, 10));
    expect(equal.interval[0]).toBeLessThan(0);
    expect(equal.interval[1]).toBeGreaterThan(0);
    expect(equal.p).toBeGreaterThan(0.9);
    expect(comparePaired(...answers(9, 0, 0, 1))).toMatchObject({ p: 1, mcnemar: 1 });
  });

  test('has the sign of the second minus the first, and the same bits for the same seed', () => {
    const [first, second] = answers(70, 5, 25, 0);
    expect(comparePaired(second, first).difference).toBeCloseTo(-0.2, 12);
    expect(comparePaired(first, second, { seed: 4 })).toEqual(
      comparePaired(first, second, { seed: 4 }),
    );
  });
});
