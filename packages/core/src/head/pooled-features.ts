import type { OperationOptions } from '../base/operation.ts';
import { type FeatureSet, pooledSet } from '../features/index.ts';
import type { EpochFeatures } from './options.ts';
import type { HeadSpec, ResolvedHead } from './spec.ts';

interface Features {
  readonly train: FeatureSet | EpochFeatures;
  readonly validation: FeatureSet;
}

/** What pooled features may take in memory. */
const mostBytes = 2 ** 29;

/** A head that begins with global average pooling sees the pooled features and nothing else. */
export function poolsFirst({ layers }: HeadSpec): boolean {
  return layers[0]?.type === 'global_average_pool2d';
}

/** Whether a head is trained on features that are pooled once, rather than in each of its steps. */
export function isPooledOnce(head: HeadSpec, { train, validation }: Features): boolean {
  if (!poolsFirst(head) || !('chunks' in train)) return false;
  return pooledBytes(train) + pooledBytes(validation) <= mostBytes;
}

function pooledBytes({ shape, rowCount }: FeatureSet): number {
  return rowCount * (shape.at(-1) as number) * Float32Array.BYTES_PER_ELEMENT;
}

/** Features from which the head learns the same bits, in the form that takes least time. */
export async function featuresFor(
  head: HeadSpec,
  { train, validation }: Features,
  { signal }: OperationOptions,
): Promise<Features> {
  if (!isPooledOnce(head, { train, validation })) return { train, validation };
  return {
    train: await pooledSet(train as FeatureSet, { signal }),
    validation: await pooledSet(validation, { signal }),
  };
}

/** [h, w, c]; vectors of D numbers are [1, 1, D]. */
export function inputShapeOf({ shape }: Pick<FeatureSet, 'shape'>): ResolvedHead['inputShape'] {
  const [height = 1, width = 1, channels = 1] = shape.length === 1 ? [1, 1, ...shape] : shape;
  return [height, width, channels];
}
