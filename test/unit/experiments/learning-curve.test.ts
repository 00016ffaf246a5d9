import { describe, expect, test } from 'vitest';
import { curvePoints, errorAt, extrapolate, fitPowerLaw, stratifiedOrder } from '#core/experiments';
import { headPreset } from '#core/head';
import { syntheticFeatures } from '../head/synthetic.ts';

/** Lehmer's generator with Park and Miller's multiplier. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 16807) % 2147483647;
    return state / 2147483647;
  };
}
const sizes = [20, 40, 80, 160, 320, 640];

describe('a power law', () => {
  test.each([
    { a: 1.5, b: 0.5, c: 0.05 },
    { a: 0.9, b: 0.25, c: 0 },
    { a: 4, b: 1, c: 0.2 },
  ])('is found again: %o', (law) => {
    const points = sizes.map((images) => ({ images, error: errorAt(law, images), weight: 1 }));
    const found = fitPowerLaw(points);
    for (const images of [30, 640, 2560]) {
      expect(errorAt(found, images)).toBeCloseTo(errorAt(law, images), 2);
    }
  });

  test('has intervals that hold what more images give, and are wider the farther they look', () => {
    const law = { a: 1.5, b: 0.5, c: 0.05 };
    const measuredOn = 200;
    const repetitions = 60;
    let held = 0;
    for (let seed = 1; seed <= repetitions; seed++) {
      const random = generator(seed * 7919);
      for (let i = 0; i < 10; i++) random();
      // The images that are measured on are hard or easy for all sizes alike.
      const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(6.2831853 * random());
      const shift = normal() * Math.sqrt((0.11 * 0.89) / measuredOn);
      const points = sizes.map((images) => ({
        images,
        measuredOn,
        errors: Array.from({ length: 5 }, () =>
          Math.max(0, errorAt(law, images) + shift + 0.3 * images ** -0.5 * normal()),
        ),
      }));
      const options = { targets: [1280, 6400], random, resamples: 200 };
      const { predictions } = extrapolate(points, options);
      const [[low, high], [farLow, farHigh]] = predictions.map(({ interval }) => interval) as [
        [number, number],
        [number, number],
      ];
      const truth = 1 - errorAt(law, 1280);
      if (low <= truth && truth <= high) held++;
      expect(farHigh - farLow).toBeGreaterThan(0.9 * (high - low));
    }
    expect(held / repetitions).toBeGreaterThanOrEqual(0.85);
  });
});

describe('a learning curve', () => {
  test('takes nested, stratified subsets that have each class from the start', () => {
    const samples = Array.from({ length: 100 }, (_, i) => ({
      name: `${i}`,
      label: i < 60 ? 0 : i < 90 ? 1 : 2,
    }));
    const order = stratifiedOrder(samples, 3);
    expect([...order].sort((a, b) => a - b)).toEqual(samples.map((_, i) => i));
    const count = (n: number, label: number) =>
      [...order.slice(0, n)].filter((i) => samples[i]?.label === label).length;
    expect([0, 1, 2].map((label) => count(3, label))).toEqual([1, 1, 1]);
    for (const n of [20, 50, 80]) {
      for (const [label, share] of [0.6, 0.3, 0.1].entries()) {
        expect(Math.abs(count(n, label) - share * n)).toBeLessThanOrEqual(1.5);
      }
    }
    expect([...stratifiedOrder(samples, 4)]).not.toEqual([...order]);
  });

  test('is refused where there are too few images to see a law', async () => {
    const shape = [2, 2, 9];
    const set = syntheticFeatures({ samples: 8, classes: 3, shape, seed: 31 });
    const options = { images: { set, classes: ['a', 'b', 'c'] }, validation: set, repeats: 1 };
    await expect(curvePoints({ ...options, head: headPreset('linear') })).rejects.toThrow(
      '8 training images of 3 classes are too few for a learning curve',
    );
  });

  test('fails where a head learns nothing but infinity: there is no accuracy to draw', async () => {
    const shape = [2, 2, 9];
    const set = syntheticFeatures({ samples: 60, classes: 3, shape, seed: 31 });
    const options = { images: { set, classes: ['a', 'b', 'c'] }, validation: set, repeats: 1 };
    const head = headPreset('mlp');
    await expect(curvePoints({ ...options, head, learningRate: 1e38 })).rejects.toThrow(
      'use a learning rate below 1e+38',
    );
  });

  test('rises with the images, and is the same for the same seed', async () => {
    const shape = [2, 2, 9];
    const options = {
      images: {
        set: syntheticFeatures({ samples: 120, classes: 3, shape, views: 3, seed: 31 }),
        classes: ['a', 'b', 'c'],
      },
      validation: syntheticFeatures({ samples: 90, classes: 3, shape, separation: 0.5, seed: 32 }),
      head: headPreset('linear'),
      learningRate: 1e-2,
      views: 2,
      repeats: 3,
      sizes: 5,
      seed: 1,
    } as const;
    const curve = await curvePoints(options);
    expect(curve.sizes.map(({ images }) => images)).toEqual([6, 13, 27, 57, 120]);
    expect(curve.sizes.at(-1)?.accuracy).toBeGreaterThan(curve.sizes[0]?.accuracy as number);
    expect(curve.sizes.every(({ accuracies }) => accuracies.length === 3)).toBe(true);
    expect(curve.predictions.map(({ images }) => images)).toEqual([240, 480, 1200]);
    for (const { accuracy, interval } of curve.predictions) {
      expect(interval[0]).toBeLessThanOrEqual(accuracy);
      expect(interval[1]).toBeGreaterThanOrEqual(accuracy);
    }
    const { trainSeconds: _, ...same } = await curvePoints(options);
    expect(curve).toMatchObject(same);
  });
});
