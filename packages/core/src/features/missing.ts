import type { ExtractFeaturesOptions } from './extract.ts';
import { extractorId } from './key.ts';
import { keysOf, planExtraction } from './plan.ts';

/** How many views `extractFeatures` would have to compute: those that the cache has no record of. */
export function countMissing(
  options: Pick<
    ExtractFeaturesOptions,
    'samples' | 'backbone' | 'cache' | 'resize' | 'fit' | 'dtype'
  >,
): number {
  const { samples, backbone, cache, dtype = 'float16' } = options;
  const plan = planExtraction(samples, extractorId(backbone.info, options), dtype);
  let missing = 0;
  for (const key of keysOf(plan)) if (!cache.has(key)) missing++;
  return missing;
}
