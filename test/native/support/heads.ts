import { type FeatureDtype, FeatureStore, type LayerSpec, uniforms } from '@headstart/native';

export type Shape = readonly [number, number, number];

/** `count` numbers in [low, high), the same in every run. */
export function randomFloats(seed: number, count: number, low = -1, high = 1): Float32Array {
  return Float32Array.from(
    uniforms({ seed, domain: 7 }, count),
    (value) => low + value * (high - low),
  );
}

export function randomLabels(seed: number, count: number, classes: number): Int32Array {
  return Int32Array.from(uniforms({ seed, domain: 7 }, count), (value) =>
    Math.floor(value * classes),
  );
}

export function range(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => i);
}

export function makeStore(
  shape: Shape,
  data: Float32Array | Uint16Array,
  dtype: FeatureDtype = 'float32',
): FeatureStore {
  const capacity = data.length / (shape[0] * shape[1] * shape[2]);
  const store = new FeatureStore({ shape, capacity, dtype });
  store.append(data);
  return store;
}

export function linearHead(classes: number): LayerSpec[] {
  return [{ type: 'global_average_pool2d' }, { type: 'dense', name: 'dense', units: classes }];
}

/** The original head, with dropout where a rate is given. */
export function convHead(classes: number, rate = 0): LayerSpec[] {
  const dropout: LayerSpec[] = rate > 0 ? [{ type: 'dropout', rate }] : [];
  return [
    { type: 'conv2d', name: 'conv2d', filters: 32, kernelSize: 3, activation: 'relu' },
    { type: 'max_pool2d' },
    ...dropout,
    { type: 'conv2d', name: 'conv2d_1', filters: 64, kernelSize: 3, activation: 'relu' },
    { type: 'max_pool2d' },
    ...dropout,
    { type: 'flatten' },
    { type: 'dense', name: 'dense', units: 128, activation: 'relu' },
    ...dropout,
    { type: 'dense', name: 'dense_1', units: classes },
  ];
}

/** Largest difference, relative to the largest number of the reference. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let size = 1e-30;
  for (let i = 0; i < actual.length; i++) {
    const apart = Math.abs(actual[i]! - expected[i]!);
    if (Number.isNaN(apart)) return Number.POSITIVE_INFINITY;
    difference = Math.max(difference, apart);
    size = Math.max(size, Math.abs(expected[i]!));
  }
  return difference / size;
}
