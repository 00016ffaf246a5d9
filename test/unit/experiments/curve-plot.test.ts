import { expect, test } from 'vitest';
import { learningCurveSvg } from '../../../packages/core/dist/experiments/curve-plot.js';

test('the plot of a learning curve has a legend of what was measured and what is expected', async () => {
  const svg = await learningCurveSvg({
    sizes: [
      { images: 20, accuracies: [0.6, 0.7], accuracy: 0.65, error: 0.35 },
      { images: 40, accuracies: [0.8, 0.8], accuracy: 0.8, error: 0.2 },
    ],
    law: { a: 2, b: 0.6, c: 0.02 },
    predictions: [{ images: 80, accuracy: 0.85, interval: [0.8, 0.9], gain: 0.05 }],
    fitted: 0.8,
  } as unknown as Parameters<typeof learningCurveSvg>[0]);
  const texts = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1]);
  expect(texts).toEqual(
    expect.arrayContaining(['measured: seeds and their mean', 'power law, 95 % interval']),
  );
  expect(svg).not.toContain('NaN');
});
