import { createHash } from 'node:crypto';
import { type FeatureSet, memoryFeatureSet } from '#core/features';
import type { HeadWeights } from '#core/head';

export interface SyntheticOptions {
  readonly samples: number;
  readonly classes: number;
  /** [h, w, c] or [d]. */
  readonly shape: readonly number[];
  /** Rows of each sample; row k of sample i is row i * views + k. Default 1. */
  readonly views?: number;
  /** How far the classes lie apart, in standard deviations of the noise. Default 1. */
  readonly separation?: number;
  readonly seed?: number;
  /** Rows in one chunk. Default 7, so that chunks end anywhere. */
  readonly chunkRows?: number;
}

/** Features whose classes have different means in some channels; the same for the same options. */
export function syntheticFeatures(options: SyntheticOptions): FeatureSet {
  const { samples, classes, shape, views = 1, separation = 1, seed = 1, chunkRows = 7 } = options;
  const size = shape.reduce((a, b) => a * b, 1);
  const channels = shape.at(-1) as number;
  const random = generator(seed);
  const data = new Float32Array(samples * views * size);
  for (let row = 0; row < samples * views; row++) {
    const label = Math.floor(row / views) % classes;
    for (let i = 0; i < size; i++) {
      const own = (i % channels) % classes === label;
      data[row * size + i] = random() + random() + random() - 1.5 + (own ? separation / 2 : 0);
    }
  }
  return featureSet(data, options, chunkRows);
}

/** A set over rows that are given; it hands them out a few at a time. */
export function featureSet(
  data: Float32Array,
  { samples, classes, shape, views = 1 }: SyntheticOptions,
  chunkRows = 7,
): FeatureSet {
  const whole = memoryFeatureSet({
    shape,
    samples: Array.from({ length: samples }, (_, i) => ({
      name: `class${i % classes}/${i}.png`,
      hash: `hash${i}`,
      label: i % classes,
      rows: Array.from({ length: views }, (_, k) => i * views + k),
    })),
    rows: data,
  });
  const every = Array.from({ length: whole.rowCount }, (_, row) => row);
  return {
    ...whole,
    async *chunks({ rows = every } = {}) {
      for (let i = 0; i < rows.length; i += chunkRows) {
        yield* whole.chunks({ rows: rows.slice(i, i + chunkRows) });
      }
    },
  };
}

/** A digest of each tensor: equal digests are equal bits, and a difference is quick to print. */
export function weightDigests(weights: HeadWeights): Record<string, string> {
  const digest = ({ data }: HeadWeights[string]) => createHash('sha256').update(data).digest('hex');
  return Object.fromEntries(Object.entries(weights).map(([name, t]) => [name, digest(t)]));
}

/** Lehmer's generator with Park and Miller's multiplier. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 16807) % 2147483647;
    return state / 2147483647;
  };
}
