import { expect, test } from 'vitest';
import { fitTemperature, withTemperature } from '#core/evaluate';

/** Softmax rows of the logits of two classes, the second of which is 0. */
function twoClasses(logits: readonly number[]): Float32Array {
  return Float32Array.from(logits.flatMap((z) => [1 / (1 + Math.exp(-z)), 1 / (1 + Math.exp(z))]));
}

test('a classifier that is right three times in four is made to say so', () => {
  const probabilities = twoClasses(Array(4000).fill(5));
  const labels = Int32Array.from({ length: 4000 }, (_, i) => (i % 4 === 0 ? 1 : 0));
  const temperature = fitTemperature({ probabilities, labels, classes: 2 });
  // 75 % is a logit of ln 3.
  expect(temperature).toBeCloseTo(5 / Math.log(3), 2);
  expect(withTemperature(probabilities, 2, temperature)[0]).toBeCloseTo(0.75, 3);
});

test('no mistake on a few samples makes no classifier that is never wrong', () => {
  const probabilities = twoClasses(Array(10).fill(2));
  const temperature = fitTemperature({ probabilities, labels: new Int32Array(10), classes: 2 });
  expect(withTemperature(probabilities, 2, temperature)[0]).toBeCloseTo(11 / 12, 4);
});

test('what says nothing, is always wrong, or is surer than float32 can say gives a finite temperature', () => {
  const even = new Float32Array(20).fill(0.5);
  expect(fitTemperature({ probabilities: even, labels: new Int32Array(10), classes: 2 })).toBe(1);
  const wrong = twoClasses(Array(10).fill(-3));
  expect(
    fitTemperature({ probabilities: wrong, labels: new Int32Array(10), classes: 2 }),
  ).toBeCloseTo(20, 3);
  const certain = Float32Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 1 : 0));
  const labels = Int32Array.from({ length: 10 }, (_, i) => (i === 0 ? 1 : 0));
  const temperature = fitTemperature({ probabilities: certain, labels, classes: 2 });
  expect(temperature).toBeGreaterThan(1);
  const [first] = withTemperature(certain, 2, temperature);
  expect(first).toBe(1);
});

test('temperatures keep the order of the classes, add up to 1, and can be undone', () => {
  const probabilities = Float32Array.of(0.7, 0.2, 0.1, 0.05, 0.05, 0.9);
  for (const temperature of [0.2, 3]) {
    const changed = withTemperature(probabilities, 3, temperature);
    expect(changed[0]! + changed[1]! + changed[2]!).toBeCloseTo(1, 6);
    expect(changed[0]!).toBeGreaterThan(changed[1]!);
    expect(changed[3]).toBe(changed[4]);
    const undone = withTemperature(changed, 3, 1 / temperature);
    undone.forEach((p, i) => {
      expect(p).toBeCloseTo(probabilities[i]!, 5);
    });
  }
});
