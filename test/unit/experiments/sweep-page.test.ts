import { expect, test } from 'vitest';
import { defaultSpace, drawTrial, type Trial } from '#core/experiments';
import { sweepPage } from '../../../packages/core/dist/experiments/sweep-page.js';

test('the page of 3,000 trials is a short list of the best, with what there is beside it', () => {
  const trials: Trial[] = Array.from({ length: 3000 }, (_, trial) => ({
    trial,
    choice: drawTrial(defaultSpace, 1, trial + 1, () => true),
    accuracy: (trial % 1000) / 1000,
    loss: 1 + trial / 3000,
    bestEpoch: 3,
    epochs: 5,
    ended: 'epochs',
    rungs: [],
  }));
  const page = sweepPage({
    data: 'fruit',
    trials,
    images: 200,
    best: trials[999] as Trial,
    baseline: trials[0],
    refit: { run: 'sweeps/fruit/best', accuracy: 0.99 },
  });
  const [, ...rows] = page.split('<tbody>')[1]?.split('<tr>') ?? [];
  expect(rows).toHaveLength(50);
  expect(rows[0]).toContain('>999<');
  expect(page).toContain('The best 50 of 3000 trials; trials.csv has all');
  expect(page).not.toMatch(/undefined|<svg/);
  expect(page.length).toBeLessThan(50_000);
});
