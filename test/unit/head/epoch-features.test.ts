import { describe, expect, test } from 'vitest';
import { type EpochFeatures, planViews, trainHead, trainingSchedule } from '#core/head';
import { featureSet, syntheticFeatures, weightDigests } from './synthetic.ts';

const classes = ['a', 'b', 'c'];
const shape = [4, 4, 6];
const samples = 20;
const options = {
  classes,
  validation: syntheticFeatures({ samples: 12, classes: 3, shape, seed: 5 }),
  views: 'exact',
  stepsPerEpoch: 2,
  batchSize: 8,
  epochs: 6,
  earlyStopping: { enabled: false },
} as const;

/** Numbers that depend on sample and view alone. */
function row(sample: number, view: number): number[] {
  const size = shape.reduce((a, b) => a * b, 1);
  return Array.from({ length: size }, (_, i) => Math.sin(sample * 31 + view * 7 + i));
}

function rowsOf(views: readonly (readonly number[])[]) {
  const data = views.flatMap((list, sample) => list.flatMap((view) => row(sample, view)));
  const whole = featureSet(Float32Array.from(data), { samples, classes: 3, shape });
  let next = 0;
  return {
    ...whole,
    samples: whole.samples.map((s, i) => ({
      ...s,
      rows: (views[i] as number[]).map(() => next++),
    })),
  };
}

/** Makes rows when they are asked for, and remembers what was. */
function lazyFeatures(): { source: EpochFeatures; asked: number[][][] } {
  const asked: number[][][] = [];
  const { samples: list, dtype } = rowsOf(Array.from({ length: samples }, () => []));
  const source: EpochFeatures = {
    shape,
    dtype,
    samples: list,
    forViews: async (views) => {
      asked.push(views.map((v) => [...v]));
      return rowsOf(views);
    },
  };
  return { source, asked };
}

describe('features made epoch by epoch', () => {
  test('train the same weights as features made beforehand', async () => {
    const plan = planViews(trainingSchedule(options, samples));
    const beforehand = await trainHead({ ...options, train: rowsOf(plan) });
    const lazy = await trainHead({ ...options, train: lazyFeatures().source });
    expect(weightDigests(lazy.weights)).toEqual(weightDigests(beforehand.weights));
  });

  test('are asked for only as far as training goes', async () => {
    const { source, asked } = lazyFeatures();
    await trainHead({ ...options, epochs: 3, train: source });
    // Two batches an epoch, and the third batch of each pass is short.
    expect(asked.map((views) => views.flat().length)).toEqual([16, 12, 12]);
    const seen = asked.flatMap((views) => views.flatMap((v, i) => v.map((view) => `${i}/${view}`)));
    expect(new Set(seen).size).toBe(40);
  });
});
