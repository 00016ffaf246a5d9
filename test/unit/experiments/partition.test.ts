import { describe, expect, test } from 'vitest';
import { assignFolds, type FoldSample } from '#core/experiments';

const sample = (i: number, label: number, more: Partial<FoldSample> = {}): FoldSample => ({
  name: `${i}.png`,
  hash: `hash${i}`,
  label,
  ...more,
});

/** [fold][label] → how many. */
function table(samples: readonly FoldSample[], assigned: Int32Array, folds: number): number[][] {
  const labels = Math.max(...samples.map(({ label }) => label)) + 1;
  const counts = Array.from({ length: folds }, () => new Array<number>(labels).fill(0));
  samples.forEach(({ label }, i) => {
    const row = counts[assigned[i] as number] as number[];
    row[label] = (row[label] as number) + 1;
  });
  return counts;
}

describe('folds', () => {
  test('have each class in the same share, to within one image', () => {
    const samples = Array.from({ length: 103 }, (_, i) => sample(i, i < 60 ? 0 : i < 90 ? 1 : 2));
    const counts = table(samples, assignFolds(samples, { folds: 5, seed: 3 }), 5);
    for (const label of [0, 1, 2]) {
      const each = counts.map((row) => row[label] as number);
      expect(Math.max(...each) - Math.min(...each)).toBeLessThanOrEqual(1);
    }
    const sizes = counts.map((row) => row.reduce((a, b) => a + b, 0));
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
  });

  test('keep groups and files of the same bytes whole, also where the two are linked', () => {
    const samples = Array.from({ length: 80 }, (_, i) =>
      sample(i, i % 2, {
        hash: `hash${i % 70}`,
        ...(i < 40 ? { group: `patient ${Math.floor(i / 4)}` } : {}),
      }),
    );
    const assigned = assignFolds(samples, { folds: 4, seed: 0 });
    const foldsOf = (indices: readonly number[]) => new Set(indices.map((i) => assigned[i]));
    for (let group = 0; group < 10; group++) {
      expect(foldsOf([0, 1, 2, 3].map((i) => 4 * group + i)).size).toBe(1);
    }
    // The images 70 to 79 are those of the patients 0 to 2 once more.
    for (let i = 70; i < 80; i++) expect(foldsOf([i, i - 70]).size).toBe(1);
    for (const row of table(samples, assigned, 4)) {
      expect(Math.min(...row)).toBeGreaterThanOrEqual(7);
    }
  });

  test('of groups do not depend on which of its images comes first', () => {
    const samples = Array.from({ length: 60 }, (_, i) =>
      sample(i, 0, { group: `group ${Math.floor(i / 3)}` }),
    );
    const byHash = (list: readonly FoldSample[]) => {
      const assigned = assignFolds(list, { folds: 5, seed: 1 });
      return new Map(list.map(({ hash }, i) => [hash as string, assigned[i]]));
    };
    const first = byHash(samples);
    const other = byHash([...samples].reverse());
    for (const { hash } of samples)
      expect(other.get(hash as string)).toBe(first.get(hash as string));
  });

  test('follow from contents and the seed, not from names and order', () => {
    const samples = Array.from({ length: 50 }, (_, i) => sample(i, i % 3));
    const renamed = samples.map((s, i) => ({ ...s, name: `other ${50 - i}` })).reverse();
    const byHash = (list: readonly FoldSample[], seed: number) => {
      const assigned = assignFolds(list, { folds: 5, seed });
      return new Map(list.map(({ hash }, i) => [hash as string, assigned[i]]));
    };
    const first = byHash(samples, 1);
    expect(new Map([...byHash(renamed, 1)].sort())).toEqual(new Map([...first].sort()));
    expect([...byHash(samples, 2).values()]).not.toEqual([...first.values()]);
  });

  test('are refused where there are too few images', () => {
    const samples = Array.from({ length: 6 }, (_, i) => sample(i, i % 2, { hash: `${i % 3}` }));
    expect(() => assignFolds(samples, { folds: 5, seed: 0 })).toThrow(
      '3 different images or groups cannot make 5 folds',
    );
  });
});
