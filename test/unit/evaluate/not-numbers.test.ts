import { expect, test } from 'vitest';
import { evaluateClassification } from '#core/evaluate';

test('probabilities that are no numbers are refused, with the sample', () => {
  const probabilities = Float32Array.of(0.2, 0.8, Number.NaN, Number.NaN, 0.5, 0.5);
  const labels = Int32Array.of(1, 0, 1);
  const names = ['x', 'y', 'z'];
  expect(() =>
    evaluateClassification({ probabilities, labels, names, classes: ['a', 'b'] }),
  ).toThrow('The head gives no probabilities for sample 2 of 3');
});
