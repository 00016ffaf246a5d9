import { readFileSync } from 'node:fs';
import { type HeadOptions, type Tensor, Trainer } from '@headstart/native';
import { describe, expect, test } from 'vitest';
import { makeStore, range, relativeError } from '../native/support/heads.ts';

/**
 * Twelve steps with every optimizer, against Keras 3.15.1 in float64
 * (fixtures/scripts/optimizers.py). Tolerance: 1e-5 of the largest number.
 */
interface Fixture {
  readonly batchSize: number;
  readonly weights: Record<string, { shape: number[]; data: number[] }>;
  readonly inputs: number[];
  readonly labels: number[];
  readonly cases: readonly {
    readonly name: string;
    readonly options: Partial<HeadOptions>;
    readonly rates: number[];
    readonly losses: number[];
    readonly weights: Record<string, number[]>;
    readonly m: Record<string, number[]>;
    readonly v: Record<string, number[]>;
  }[];
}

const path = new URL('../fixtures/head/optimizers.json', import.meta.url);
const fixture = JSON.parse(readFileSync(path, 'utf8')) as Fixture;
const labels = Int32Array.from(fixture.labels);

describe.each(fixture.cases)('$name', ({ options, rates, losses, weights, m, v }) => {
  test('losses, weights and moments are Keras’s', async () => {
    const store = makeStore([1, 1, 7], Float32Array.from(fixture.inputs));
    const trainer = new Trainer({
      inputShape: [1, 1, 7],
      layers: [
        { type: 'dense', name: 'a', units: 5, activation: 'relu' },
        { type: 'dense', name: 'b', units: 3 },
      ],
      classes: 3,
      heads: [{ seed: 0, learningRate: rates[0]!, ...options }],
    });
    const first = Object.entries(fixture.weights).map(([name, { shape, data }]) => {
      return [name, { shape, data: Float32Array.from(data) }] as const;
    });
    trainer.setWeights(Object.fromEntries(first));
    const { batchSize } = fixture;
    for (const [step, rate] of rates.entries()) {
      const begin = (step % Math.ceil(labels.length / batchSize)) * batchSize;
      const rows = range(labels.length).slice(begin, begin + batchSize);
      const batch = {
        rows,
        labels: labels.slice(begin, begin + batchSize),
        learningRates: Float64Array.of(rate),
      };
      const [metrics] = await trainer.trainSteps({ store, batches: [batch], batchSize });
      expect(relativeError([metrics!.loss], [losses[step]!]), `step ${step}`).toBeLessThan(1e-5);
    }
    const state = trainer.getOptimizerState();
    expect(state.step).toBe(rates.length);
    compare(trainer.getWeights(), weights, 'weight');
    compare(state.m, m, 'm');
    compare(state.v, v, 'v');
  });
});

function compare(
  mine: Readonly<Record<string, Tensor>>,
  keras: Readonly<Record<string, number[]>>,
  what: string,
): void {
  expect(Object.keys(mine), what).toEqual(Object.keys(keras));
  for (const [name, { data }] of Object.entries(mine)) {
    expect(relativeError(data, keras[name]!), `${what} ${name}`).toBeLessThan(1e-5);
  }
}
