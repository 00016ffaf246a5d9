import { describe, expect, test } from 'vitest';
import { selectiveScores } from '#core/evaluate';

/** `90 r` is an answer of 0.9 that is right, `90 w` one that is wrong. */
function answers(...texts: readonly string[]) {
  return texts.map((text) => {
    const [probability = '', outcome] = text.split(' ');
    return { label: 0, predicted: outcome === 'r' ? 0 : 1, probability: Number(probability) / 100 };
  });
}

/** Probabilities of two decimals, so that many are equal, and wrong more often where they are low. */
function drawn(count: number, seed: number) {
  let state = seed;
  const next = () => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: count }, () => {
    const probability = Math.round(next() * 100) / 100;
    return { label: 0, predicted: next() < probability ? 0 : 1, probability };
  });
}

const ten = answers('99 r', '97 r', '95 r', '90 w', '88 r', '80 r', '75 w', '60 r', '50 w', '40 w');

describe('What is answered from a threshold on', () => {
  test('is counted, with its error and the interval of that', () => {
    const scores = selectiveScores(ten, { threshold: 0.8 });
    expect(scores).toMatchObject({ threshold: 0.8, answered: 6, coverage: 0.6, error: 1 / 6 });
    expect(scores.interval?.[0]).toBeCloseTo(0.0301, 4);
    expect(scores.interval?.[1]).toBeCloseTo(0.5635, 4);
  });

  test('is all at 0, and nothing above the highest probability', () => {
    expect(selectiveScores(ten, { threshold: 0 })).toMatchObject({ coverage: 1, error: 0.4 });
    expect(selectiveScores(ten, { threshold: 1 })).toMatchObject({
      answered: 0,
      coverage: 0,
      error: null,
      interval: null,
    });
  });

  test('has a curve with every threshold, and the mean of its errors by samples', () => {
    const { curve, areaUnderCurve } = selectiveScores(ten, { threshold: 0.8 });
    expect(curve.map(({ error }) => error)).toEqual([
      0,
      0,
      0,
      1 / 4,
      1 / 5,
      1 / 6,
      2 / 7,
      2 / 8,
      3 / 9,
      4 / 10,
    ]);
    expect(curve.map(({ coverage }) => coverage)).toEqual(curve.map((_, i) => (i + 1) / 10));
    const mean = curve.reduce((sum, { error }) => sum + error, 0) / 10;
    expect(areaUnderCurve).toBeCloseTo(mean, 12);
  });

  test.each([1, 2, 3])('is what counting each threshold anew gives (%i)', (seed) => {
    const many = drawn(2000, seed);
    const { curve, areaUnderCurve } = selectiveScores(many, { threshold: 0 });
    const errorFrom = (threshold: number) => {
      const given = many.filter(({ probability }) => probability >= threshold);
      return given.filter(({ label, predicted }) => label !== predicted).length / given.length;
    };
    for (const { threshold, error } of curve) expect(error).toBe(errorFrom(threshold));
    const mean = many.reduce((sum, { probability }) => sum + errorFrom(probability), 0) / 2000;
    expect(areaUnderCurve).toBeCloseTo(mean, 10);
  });

  test('does not depend on the order of equally probable samples', () => {
    const tied = answers('90 w', '90 r', '90 r', '50 w');
    const other = answers('90 r', '50 w', '90 r', '90 w');
    expect(selectiveScores(tied, { threshold: 0.5 })).toEqual(
      selectiveScores(other, { threshold: 0.5 }),
    );
    expect(selectiveScores(tied, { maxError: 0.1 })).toMatchObject({ threshold: null });
    expect(selectiveScores(tied, { maxError: 0.34 })).toMatchObject({ answered: 3 });
  });

  test('has a curve of a hundred points where there are thousands of thresholds', () => {
    const many = Array.from({ length: 5000 }, (_, i) => ({
      label: 0,
      predicted: i % 7 === 0 ? 1 : 0,
      probability: 1 - i / 5000,
    }));
    const { curve } = selectiveScores(many, { threshold: 0.5 });
    expect(curve).toHaveLength(100);
    expect(curve[0]?.coverage).toBeCloseTo(0.01, 12);
    expect(curve.at(-1)).toMatchObject({ coverage: 1, error: 715 / 5000 });
  });
});

describe('A threshold for an error', () => {
  test('answers as many as it allows, also beyond a stretch of more errors', () => {
    const chosen = selectiveScores(ten, { maxError: 0.2 });
    // After three right answers the fourth is wrong; after six the error is 1/6 again.
    expect(chosen).toMatchObject({ answered: 6, error: 1 / 6 });
    expect(chosen.threshold).toBe(0.8);
  });

  test('is the shortest number that parts the last answer from the next', () => {
    const close = answers('99 r', '87.123456 r', '87.04 w', '40 w');
    expect(selectiveScores(close, { maxError: 0 }).threshold).toBe(0.871);
    const apart = answers('99 r', '71.5 r', '12 w');
    expect(selectiveScores(apart, { maxError: 0 }).threshold).toBe(0.7);
  });

  test.each([0, 0.05, 0.1, 0.3])('answers the same samples when it is given (%f)', (maxError) => {
    const many = drawn(500, 7);
    const chosen = selectiveScores(many, { maxError });
    if (chosen.threshold === null) return expect(chosen.answered).toBe(0);
    const { threshold } = chosen;
    expect(selectiveScores(many, { threshold })).toEqual(chosen);
    expect(chosen.error as number).toBeLessThanOrEqual(maxError);
  });

  test('is 0 where all may be answered, and null where not even the surest may', () => {
    expect(selectiveScores(ten, { maxError: 0.4 })).toMatchObject({ threshold: 0, coverage: 1 });
    const wrong = selectiveScores(answers('99 w', '80 r'), { maxError: 0.4 });
    expect(wrong).toMatchObject({ threshold: null, answered: 0, coverage: 0, error: null });
  });
});
