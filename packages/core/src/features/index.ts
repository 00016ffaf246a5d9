export { fromFloat16, maxFloat16, toFloat16 } from '../float16.ts';
export { FeatureCache } from './cache.ts';
export type { Claim } from './claims.ts';
export {
  type ExtractFeaturesOptions,
  type ExtractFeaturesResult,
  extractFeatures,
} from './extract.ts';
export {
  type FeatureFile,
  type FeatureFileDescription,
  featureFileDigest,
  readFeatureFile,
  writeFeatureFile,
} from './file.ts';
export { type FileMemoOptions, rememberingHasher } from './file-memo.ts';
export {
  type ExtractorDescription,
  type ExtractorId,
  extractorDigestOf,
  extractorId,
  featureKey,
  isDigestOf,
} from './key.ts';
export { countMissing } from './missing.ts';
export { type CacheOptions, openFeatureCache } from './open-cache.ts';
export { openFeatureStore, type StoreOptions } from './open-store.ts';
export type { SampleRequest, ViewRequest } from './plan.ts';
export { readImage } from './read-image.ts';
export {
  encodeRecord,
  isWholeRecord,
  layoutOf,
  numbersOf,
  type RecordLayout,
  recordChecksum,
} from './record.ts';
export { diskBytes, type Remade, type RemakeOptions, remakeCache } from './remake.ts';
export { type RepairOptions, repairCache } from './repair.ts';
export {
  type ChunkOptions,
  type FeatureDtype,
  type FeatureRows,
  type FeatureSample,
  type FeatureSet,
  memoryFeatureSet,
} from './set.ts';
export { FeatureSnapshot, openFeatureSnapshot, type StoredRecord } from './snapshot.ts';
export type { CacheRecord, FeatureStore } from './store.ts';
export { findUnreadable } from './unreadable.ts';
export { dayOf } from './uses.ts';
