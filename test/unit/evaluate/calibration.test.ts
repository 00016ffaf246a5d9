import { expect, test } from 'vitest';
import { expectedCalibrationError, reliabilityBins } from '#core/evaluate';

function binary(confidences: readonly number[], correct: readonly boolean[]) {
  return {
    classes: 2,
    labels: Int32Array.from(correct, (right) => (right ? 0 : 1)),
    probabilities: Float32Array.from(confidences.flatMap((p) => [p, 1 - p])),
  };
}

test('a bin holds its upper bound and not its lower one', () => {
  const bins = reliabilityBins(binary([0.5, 0.75, 1], [true, true, true]), 4);
  expect(bins.map(({ count }) => count)).toEqual([0, 1, 1, 1]);
  expect(bins[0]).toEqual({ lower: 0, upper: 0.25, count: 0, confidence: null, accuracy: null });
});

test('the error weighs each bin by its samples', () => {
  // Three at 0.625 of which one is right, one at 0.875 which is right.
  const bins = reliabilityBins(binary([0.625, 0.625, 0.625, 0.875], [true, false, false, true]), 4);
  const expected = (3 / 4) * Math.abs(0.625 - 1 / 3) + (1 / 4) * Math.abs(0.875 - 1);
  expect(expectedCalibrationError(bins)).toBeCloseTo(expected, 12);
});

test('sure and right is perfectly calibrated, sure and wrong is not at all', () => {
  const right = reliabilityBins(binary([1, 1], [true, true]));
  const wrong = reliabilityBins(binary([1, 1], [false, false]));
  expect(right).toHaveLength(15);
  expect(expectedCalibrationError(right)).toBe(0);
  expect(expectedCalibrationError(wrong)).toBe(1);
});
