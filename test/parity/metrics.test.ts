import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  brierScore,
  type Classification,
  fitTemperature,
  logLoss,
  rocAreas,
  withTemperature,
} from '#core/evaluate';

/**
 * Against SciPy 1.17.1 and NumPy (fixtures/scripts/metrics.py). Tolerance: 1e-6, of a temperature
 * 1e-4 relative, as SciPy's own search is no closer.
 */
interface Reference {
  readonly classes: number;
  readonly probabilities: number[];
  readonly labels: number[];
  readonly temperature: number;
  readonly calibrated: number[];
  readonly areas: (number | null)[];
  readonly logLoss: number;
  readonly brierScore: number;
}
const path = new URL('../fixtures/evaluate/scipy.json', import.meta.url);
const { scipy: _, numpy: __, ...cases } = JSON.parse(readFileSync(path, 'utf8'));

describe.each(Object.entries<Reference>(cases))('a classification that is %s', (_, reference) => {
  const classification: Classification = {
    probabilities: Float32Array.from(reference.probabilities),
    labels: Int32Array.from(reference.labels),
    classes: reference.classes,
  };

  test('has SciPy’s ROC areas, log-loss and Brier score', () => {
    const areas = rocAreas(classification);
    expect(areas).toHaveLength(reference.classes);
    for (const [k, area] of areas.entries()) {
      const expected = reference.areas[k] ?? null;
      if (expected === null) expect(area).toBeNull();
      else expect(area).toBeCloseTo(expected, 6);
    }
    expect(logLoss(classification)).toBeCloseTo(reference.logLoss, 6);
    expect(brierScore(classification)).toBeCloseTo(reference.brierScore, 6);
  });

  test('has SciPy’s temperature, and probabilities after it', () => {
    const temperature = fitTemperature(classification);
    expect(temperature / reference.temperature).toBeCloseTo(1, 4);
    const calibrated = withTemperature(
      classification.probabilities,
      reference.classes,
      reference.temperature,
    );
    for (const [i, expected] of reference.calibrated.entries()) {
      expect(calibrated[i]).toBeCloseTo(expected, 6);
    }
  });
});
