import { randomDomain, uniforms } from '@headstart/native';
import { HeadstartError } from '../base/errors.ts';
import type { ProgressListener } from '../base/operation.ts';
import type { FeatureSet } from '../features/index.ts';
import { pooledSet } from '../features/index.ts';
import {
  defaultHead,
  FeatureStores,
  type HeadVariation,
  poolsFirst,
  trainHeads,
} from '../head/index.ts';
import {
  type ExperimentImages,
  type ExperimentTraining,
  headsAtOnce,
  plainSet,
  viewedSet,
} from './heads.ts';
import { assignFolds, clustersOf, type FoldSample, splitByFold } from './partition.ts';
import { type CurvePoint, type Extrapolation, extrapolate, type PowerLaw } from './power-law.ts';

export interface CurvePointsOptions extends ExperimentTraining {
  /** Images to train on; row v of a sample is its view v. */
  readonly images: ExperimentImages;
  /** Plain images to measure on. */
  readonly validation: FeatureSet;
  /** Nested subsets are drawn so often, with seeds `seed`, `seed + 1`, … */
  readonly repeats: number;
  /** Numbers of training images, at most; default 8. */
  readonly sizes?: number | undefined;
  readonly onProgress?: ProgressListener | undefined;
}

export interface CurveSize {
  readonly images: number;
  /** Mean over seeds. */
  readonly accuracy: number;
  /** Of each seed. */
  readonly accuracies: readonly number[];
}

export interface LearningCurve {
  readonly sizes: readonly CurveSize[];
  readonly law: PowerLaw;
  /** At twice, four and ten times the images. */
  readonly predictions: readonly Extrapolation[];
  /** At the images there are, by the law: what predictions gain on. */
  readonly fitted: number;
  readonly trainSeconds: number;
}

const ahead = [2, 4, 10];

/** A law of three parameters goes through fewer points whatever they are. */
const leastSizes = 4;

/**
 * Accuracy by number of training images. Each seed orders the images of every class at random, and
 * each size takes the first of them: subsets are nested and stratified. Of the validation images one
 * half chooses the epoch and the other is measured on, and the other way round, so that no accuracy
 * is of images that chose anything.
 *
 * @throws HeadstartError as `trainHeads`; `USAGE` where there are too few images
 */
export async function curvePoints(options: CurvePointsOptions): Promise<LearningCurve> {
  const { images, validation, repeats, seed = 0 } = options;
  const { samples } = images.set;
  const sizes = curveSizes(samples, images.classes.length, options.sizes ?? 8);
  if (sizes.length < leastSizes) throw tooFew(samples.length, images.classes.length);
  const halves = halvesOf(validation.samples, seed);
  const plans = Array.from({ length: repeats }, (_, repeat) => {
    const order = stratifiedOrder(samples, seed + repeat);
    return sizes.flatMap((size) =>
      halves.map(({ chooses, measures }): HeadVariation => {
        const trainSamples = order.slice(0, size).sort();
        const part = { trainSamples, validationSamples: chooses, testSamples: measures };
        return { seed: seed + repeat, ...part };
      }),
    );
  });
  const started = performance.now();
  const accuracies = await testAccuracies(plans.flat(), options);
  const trainSeconds = (performance.now() - started) / 1000;
  const perRepeat = sizes.length * halves.length;
  const curve = sizes.map((size, s): CurveSize => {
    const each = Array.from({ length: repeats }, (_, repeat) => {
      const first = repeat * perRepeat + s * halves.length;
      const right = halves.map(
        ({ measures }, h) => measures.length * (accuracies[first + h] as number),
      );
      return right.reduce((a, b) => a + b, 0) / validation.samples.length;
    });
    return { images: size, accuracy: each.reduce((a, b) => a + b, 0) / repeats, accuracies: each };
  });
  const points = curve.map(
    (size): CurvePoint => ({
      images: size.images,
      errors: size.accuracies.map((accuracy) => 1 - accuracy),
      measuredOn: validation.samples.length,
    }),
  );
  const all = samples.length;
  const targets = [all, ...ahead.map((times) => times * all)];
  const { law, predictions } = extrapolate(points, { targets, random: randomNumbers(seed) });
  const [now, ...later] = predictions as [Extrapolation, ...Extrapolation[]];
  return { sizes: curve, law, predictions: later, fitted: now.accuracy, trainSeconds };
}

/** From a few images per class to all, evenly in their logarithm. */
function curveSizes(samples: readonly FoldSample[], classes: number, count: number): number[] {
  const least = Math.min(samples.length, Math.max(2 * classes, Math.ceil(samples.length / 50)));
  const ratio = samples.length / least;
  const sizes = Array.from({ length: count }, (_, i) =>
    Math.round(least * ratio ** (count === 1 ? 1 : i / (count - 1))),
  );
  return [...new Set(sizes)];
}

function tooFew(images: number, classes: number): HeadstartError {
  return new HeadstartError(
    'USAGE',
    `${images} training images of ${classes} classes are too few for a learning curve, which begins at 2 per class and needs ${leastSizes} sizes: add images.`,
  );
}

/** Two stratified halves; copies of one image are in the same. */
function halvesOf(samples: readonly FoldSample[], seed: number) {
  const assigned = assignFolds(samples, { folds: 2, seed });
  const { inside, outside } = splitByFold(assigned, 0);
  return [
    { chooses: inside, measures: outside },
    { chooses: outside, measures: inside },
  ];
}

/**
 * All samples so that each beginning has the classes in the shares of the whole: those of a class are
 * in random order, and each stands at the middle of its share of the whole. Each class comes up first
 * once. Images of one group follow one another within their class.
 */
export function stratifiedOrder(samples: readonly FoldSample[], seed: number): Int32Array {
  const counts = new Map<number, number>();
  for (const { label } of samples) counts.set(label, (counts.get(label) ?? 0) + 1);
  const clusters = clustersOf(samples);
  const stream = { seed, domain: randomDomain.experiment, counter: [3, 0, 0] } as const;
  const keys = uniforms(stream, clusters.length);
  const order = [...clusters.keys()].sort((a, b) => (keys[a] as number) - (keys[b] as number));
  const seen = new Map<number, number>();
  const placed: { index: number; place: number }[] = [];
  for (const cluster of order) {
    for (const index of clusters[cluster]?.members ?? []) {
      const { label } = samples[index] as FoldSample;
      const nth = seen.get(label) ?? 0;
      seen.set(label, nth + 1);
      const place = nth === 0 ? -1 : (nth + 0.5) / (counts.get(label) as number);
      placed.push({ index, place });
    }
  }
  placed.sort((a, b) => a.place - b.place);
  return Int32Array.from(placed, ({ index }) => index);
}

function randomNumbers(seed: number): () => number {
  let block = 0;
  let numbers: Float64Array = new Float64Array(0);
  let at = 0;
  return () => {
    if (at === numbers.length) {
      const counter = [4, block++, 0] as [number, number, number];
      numbers = uniforms({ seed, domain: randomDomain.experiment, counter }, 4096);
      at = 0;
    }
    return numbers[at++] as number;
  };
}

/** Of each head on its test samples. */
async function testAccuracies(
  heads: readonly HeadVariation[],
  options: CurvePointsOptions,
): Promise<number[]> {
  const { images, validation, onProgress, sizes: _, repeats: __, ...training } = options;
  const { signal, head = defaultHead(images.set.shape) } = options;
  const pool = async (set: FeatureSet) => (poolsFirst(head) ? pooledSet(set, { signal }) : set);
  const set = await pool(images.set);
  const measured = plainSet(await pool(validation));
  const atOnce = headsAtOnce({ set, classes: images.classes }, options);
  using stores = new FeatureStores();
  const accuracies: number[] = [];
  for (let first = 0; first < heads.length; first += atOnce) {
    const batch = heads.slice(first, first + atOnce);
    const trained = await trainHeads({
      ...training,
      heads: batch,
      train: viewedSet(set, options, batch),
      validation: measured,
      classes: images.classes,
      stores,
      onProgress: ({ done, total = 1 }) =>
        onProgress?.({
          stage: 'learning curve',
          done: first + Math.floor((done / total) * batch.length),
          total: heads.length,
          unit: 'heads',
        }),
    });
    accuracies.push(...trained.map(({ test }) => test?.accuracy as number));
  }
  onProgress?.({ stage: 'learning curve', done: heads.length, total: heads.length, unit: 'heads' });
  return accuracies;
}
