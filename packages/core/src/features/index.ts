export { fromFloat16, maxFloat16, toFloat16 } from '../float16.ts';
export {
  type CacheOptions,
  type CacheRecord,
  FeatureCache,
  openFeatureCache,
  type StoredRecord,
} from './cache.ts';
export {
  type ExtractFeaturesOptions,
  type ExtractFeaturesResult,
  extractFeatures,
} from './extract.ts';
export {
  type FeatureFile,
  type FeatureFileDescription,
  readFeatureFile,
  writeFeatureFile,
} from './file.ts';
export {
  type ExtractorDescription,
  type ExtractorId,
  extractorDigestOf,
  extractorId,
  featureKey,
} from './key.ts';
export { countMissing } from './missing.ts';
export type { SampleRequest, ViewRequest } from './plan.ts';
export { readImage } from './read-image.ts';
export { isWholeRecord } from './record.ts';
export {
  type ChunkOptions,
  type FeatureDtype,
  type FeatureRows,
  type FeatureSample,
  type FeatureSet,
  memoryFeatureSet,
} from './set.ts';
export { findUnreadable } from './unreadable.ts';
