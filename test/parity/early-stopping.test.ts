import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  type EarlyStoppingState,
  initialEarlyStopping,
  type Monitor,
  stepEarlyStopping,
} from '#core/head';

/** Made by test/fixtures/scripts/early-stopping.py. */
interface Fixture {
  readonly made: { readonly keras: string; readonly backend: string };
  readonly cases: readonly {
    readonly kind: string;
    readonly monitor: Monitor;
    readonly minDelta: number;
    readonly patience: number;
    readonly values: readonly (number | 'nan' | 'inf' | '-inf')[];
    readonly stopEpoch: number | null;
    readonly bestEpoch: number;
  }[];
}

const fixture: Fixture = JSON.parse(
  readFileSync(new URL('../fixtures/early-stopping/decisions.json', import.meta.url), 'utf8'),
);
const special = { nan: Number.NaN, inf: Infinity, '-inf': -Infinity };

describe(`early stopping decides as Keras ${fixture.made.keras}`, () => {
  test('there are 50 sequences', () => {
    expect(fixture.cases).toHaveLength(50);
  });

  test.each(fixture.cases.map((c, i) => [`${i}: ${c.kind}, ${c.monitor}`, c] as const))(
    '%s',
    (_, { monitor, minDelta, patience, values, stopEpoch, bestEpoch }) => {
      let state: EarlyStoppingState = initialEarlyStopping;
      let stopped: number | null = null;
      for (const [epoch, entry] of values.entries()) {
        const value = typeof entry === 'number' ? entry : special[entry];
        const decision = stepEarlyStopping({ monitor, minDelta, patience }, state, epoch, value);
        state = decision.state;
        expect(decision.improved).toBe(state.bestEpoch === epoch);
        if (decision.stop) {
          stopped = epoch;
          break;
        }
      }
      expect(stopped).toBe(stopEpoch);
      expect(state.bestEpoch).toBe(bestEpoch);
    },
  );
});
