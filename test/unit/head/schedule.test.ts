import { describe, expect, test } from 'vitest';
import { epochBatches, planViews, type ScheduleOptions, trainingSchedule } from '#core/head';

const ten: ScheduleOptions = {
  samples: 10,
  batchSize: 4,
  stepsPerEpoch: 'auto',
  epochs: 6,
  views: 'none',
  shuffle: true,
  seed: 7,
};

const sorted = (values: Iterable<number>) => [...values].sort((a, b) => a - b);
const all = (n: number) => Array.from({ length: n }, (_, i) => i);

/** The stream of batches of all epochs, each as its samples. */
function batchStream(schedule: ScheduleOptions): number[][] {
  return all(schedule.epochs)
    .flatMap((epoch) => epochBatches(schedule, epoch))
    .flatMap(({ samples }) => {
      const batches: number[][] = [];
      for (let i = 0; i < samples.length; i += schedule.batchSize) {
        batches.push([...samples.slice(i, i + schedule.batchSize)]);
      }
      return batches;
    });
}

describe('an automatic epoch', () => {
  test('takes every sample once, in one run', () => {
    const runs = epochBatches(ten, 0);
    expect(runs).toHaveLength(1);
    expect(sorted(runs[0]?.samples ?? [])).toEqual(all(10));
  });

  test('has its own order', () => {
    const orders = all(6).map((epoch) => [...(epochBatches(ten, epoch)[0]?.samples ?? [])].join());
    expect(new Set(orders).size).toBe(6);
  });

  test('depends on the seed and on nothing else', () => {
    expect(epochBatches(ten, 3)).toEqual(epochBatches({ ...ten, epochs: 50 }, 3));
    expect(epochBatches(ten, 3)).not.toEqual(epochBatches({ ...ten, seed: 8 }, 3));
  });

  test('keeps the order of the samples without shuffle', () => {
    const [run] = epochBatches({ ...ten, shuffle: false }, 4);
    expect([...(run?.samples ?? [])]).toEqual(all(10));
  });
});

describe('an epoch of N steps', () => {
  test.each([1, 2, 4, 7])('of %i goes on where the one before ended', (steps) => {
    const schedule = { ...ten, stepsPerEpoch: steps };
    const stream = batchStream(schedule);
    expect(stream).toHaveLength(6 * steps);
    // Passes are those of automatic epochs: the third batch of each is short.
    const passes = batchStream({ ...ten, epochs: Math.ceil((6 * steps) / 3) });
    expect(stream).toEqual(passes.slice(0, stream.length));
    expect(stream.map((batch) => batch.length)).toEqual(
      stream.map((_, i) => (i % 3 === 2 ? 2 : 4)),
    );
  });

  test('ends a run where a pass ends', () => {
    const runs = epochBatches({ ...ten, stepsPerEpoch: 4 }, 0);
    expect(runs.map(({ samples }) => samples.length)).toEqual([10, 4]);
  });
});

describe('views', () => {
  test('are the plain image where there is no augmentation', () => {
    expect([...(epochBatches(ten, 0)[0]?.views ?? [])]).toEqual(Array(10).fill(0));
    expect(planViews(ten)).toEqual(Array.from({ length: 10 }, () => [0]));
  });

  test('are drawn from 1 to K, anew for each time an image comes up', () => {
    const schedule = { ...ten, samples: 400, epochs: 30, views: 4 };
    const counts = [0, 0, 0, 0, 0];
    for (const epoch of all(30)) {
      for (const { views } of epochBatches(schedule, epoch)) {
        for (const view of views) counts[view] = (counts[view] ?? 0) + 1;
      }
    }
    expect(counts[0]).toBe(0);
    // 12,000 draws: 3000 of each, with a standard deviation of 47.
    for (const count of counts.slice(1)) expect(Math.abs(count - 3000)).toBeLessThan(250);
  });

  test('do not depend on the order of the samples', () => {
    const viewsOf = (schedule: ScheduleOptions) => {
      const [run] = epochBatches(schedule, 2);
      const views = new Map([...(run?.samples ?? [])].map((s, i) => [s, run?.views[i]]));
      return all(10).map((sample) => views.get(sample));
    };
    const schedule = { ...ten, views: 1000 };
    expect(viewsOf(schedule)).toEqual(viewsOf({ ...schedule, shuffle: false }));
  });

  test('of the exact policy count how often an image has come up', () => {
    const schedule = { ...ten, stepsPerEpoch: 2, views: 'exact' } as const;
    const seen = new Array(10).fill(0);
    for (const epoch of all(6)) {
      for (const { samples, views } of epochBatches(schedule, epoch)) {
        samples.forEach((sample, i) => {
          seen[sample]++;
          expect(views[i]).toBe(seen[sample]);
        });
      }
    }
    // 6 epochs of 2 batches are 4 passes of 3.
    expect(seen).toEqual(Array(10).fill(4));
  });

  test.each([
    { views: 'exact', stepsPerEpoch: 2 },
    { views: 3, stepsPerEpoch: 'auto' },
    { views: 50, stepsPerEpoch: 1 },
  ] as const)('that are planned are exactly those that come up: %o', (options) => {
    const schedule = { ...ten, ...options };
    const used = all(10).map(() => new Set<number>());
    for (const epoch of all(6)) {
      for (const { samples, views } of epochBatches(schedule, epoch)) {
        samples.forEach((sample, i) => {
          used[sample]?.add(views[i] as number);
        });
      }
    }
    expect(planViews(schedule)).toEqual(used.map(sorted));
  });

  test('are not planned for a sample that never comes up', () => {
    const plan = planViews({ ...ten, stepsPerEpoch: 1, epochs: 1, views: 4 });
    expect(plan.filter((views) => views.length === 0)).toHaveLength(6);
  });
});

describe('trainingSchedule', () => {
  test('has the defaults of training', () => {
    expect(trainingSchedule({}, 5)).toEqual({
      samples: 5,
      batchSize: 32,
      stepsPerEpoch: 'auto',
      epochs: 50,
      views: 'none',
      shuffle: true,
      seed: 0,
    });
  });

  test.each([
    [{ batchSize: 0 }, 'The option batchSize must be an integer from 1 to 65536, not 0.'],
    [{ epochs: 1.5 }, 'The option epochs must be an integer from 1 to 2147483647, not 1.5.'],
    [{ stepsPerEpoch: -1 }, 'stepsPerEpoch must be auto or an integer from 1'],
    [{ validationSteps: 0 }, 'validationSteps must be all or an integer from 1'],
    [{ learningRate: 0 }, 'learningRate must be a number above 0, not 0'],
    [{ learningRate: Number.NaN }, 'learningRate must be a number above 0, not NaN'],
    [{ views: 0 }, 'views must be none, exact or an integer from 1'],
    [{ seed: -1 }, 'seed must be an integer from 0 to 9007199254740991, not -1'],
    [{ earlyStopping: { patience: -1 } }, 'patience must be an integer from 0'],
    [{ earlyStopping: { minDelta: Infinity } }, 'minDelta must be a finite number, not Infinity'],
    [{ earlyStopping: { monitor: 'f1' as 'loss' } }, 'val_loss or accuracy or loss, not "f1"'],
    [{ classWeights: 'auto' as 'none' }, 'classWeights must be none or balanced, not "auto"'],
  ])('refuses %o', (options, message) => {
    expect(() => trainingSchedule(options, 5)).toThrow(message);
  });
});
