import type { ExtractFeaturesOptions } from './extract.ts';
import { extractorId } from './key.ts';
import { planExtraction } from './plan.ts';

/** How many views `extractFeatures` would have to compute: those that the cache has no record of. */
export function countMissing(
  options: Pick<
    ExtractFeaturesOptions,
    'samples' | 'backbone' | 'cache' | 'resize' | 'fit' | 'dtype'
  >,
): number {
  const { samples, backbone, cache, dtype = 'float16' } = options;
  const plan = planExtraction(samples, extractorId(backbone.info, options), dtype);
  const keys = plan.contents.flatMap(({ views }) => [...views.values()].map(({ key }) => key));
  return keys.filter((key) => !cache.has(key)).length;
}
