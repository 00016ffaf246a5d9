import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  type CosineOptions,
  cosineRate,
  initialPlateau,
  type Monitor,
  type PlateauOptions,
  stepPlateau,
} from '#core/head';

interface Fixture {
  readonly cosine: readonly { options: CosineOptions; rates: number[] }[];
  readonly plateau: readonly {
    options: PlateauOptions & { monitor: Monitor };
    rate: number;
    values: (number | null)[];
    rates: number[];
  }[];
}

/** From Keras 3.15.1 (fixtures/scripts/learning-rate.py), which computes in float32. */
const path = new URL('../fixtures/learning-rate/keras.json', import.meta.url);
const fixture = JSON.parse(readFileSync(path, 'utf8')) as Fixture;

describe('CosineDecay', () => {
  test.each(fixture.cosine)('$options', ({ options, rates }) => {
    expect(rates.length).toBeGreaterThan(3);
    rates.forEach((rate, step) => {
      const mine = cosineRate(options, step);
      expect(Math.abs(mine - rate), `step ${step}`).toBeLessThan(1e-6 * options.peak);
    });
  });
});

describe('ReduceLROnPlateau', () => {
  test.each(fixture.plateau)('$options', ({ options, rate: first, values, rates }) => {
    let [state, rate] = [initialPlateau, first];
    values.forEach((value, epoch) => {
      const step = stepPlateau(options, state, value ?? Number.NaN, rate);
      ({ state, rate } = step);
      expect(Math.fround(rate), `epoch ${epoch}`).toBe(rates[epoch]);
    });
  });

  test('the cases reduce often', () => {
    const reduced = fixture.plateau.filter(({ rate, rates }) => (rates.at(-1) as number) < rate);
    expect(reduced.length).toBeGreaterThan(20);
  });
});
