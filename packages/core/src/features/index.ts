export { fromFloat16, maxFloat16, toFloat16 } from '../base/float16.ts';
export type { Shard } from '../options/index.ts';
export { type CacheOptions, FeatureCache, openFeatureCache } from './cache.ts';
export {
  type CacheContent,
  type CacheFolderOptions,
  type CacheListing,
  type CacheVerification,
  listCache,
  type VerifyCacheOptions,
  verifyCache,
} from './cache-content.ts';
export { type CacheExport, type CacheFileOptions, exportCache, importCache } from './cache-file.ts';
export {
  type CacheCollection,
  type CollectGarbageOptions,
  collectCacheGarbage,
} from './cache-gc.ts';
export { type CacheMerge, type MergeCachesOptions, mergeCaches } from './cache-merge.ts';
export {
  type CacheRecomputation,
  type RecomputeOptions,
  recomputeCache,
} from './cache-recompute.ts';
export type { Claim } from './claims.ts';
export {
  type ExtractFeaturesOptions,
  type ExtractFeaturesResult,
  extractFeatures,
} from './extract.ts';
export {
  announceCorrections,
  announceDataset,
  announceUnlearnt,
  type Extraction,
  type Extractor,
  extractorOn,
  openExtractor,
  scanOnce,
  viewRequest,
} from './extractor.ts';
export { backboneChoice, type ExtractorOptions } from './extractor-options.ts';
export {
  inShard,
  type PrecomputeOptions,
  type PrecomputeResult,
  precomputeFeatures,
} from './features.ts';
export {
  type FeatureFile,
  featureFileDigest,
  readFeatureFile,
  writeFeatureFile,
} from './file.ts';
export type { FeatureFileDescription } from './file-description.ts';
export { rememberingHasher } from './file-memo.ts';
export type { ExtractorDescription, ExtractorId } from './key.ts';
export { findOldCache, type OldCache } from './old-cache.ts';
export {
  cachedHasher,
  cachedScan,
  type FeatureStoreOptions,
  type HashingCacheOptions,
} from './open.ts';
export { type OpenBackbone, openBackboneAndCache } from './open-backbone.ts';
export { openFeatureStore } from './open-store.ts';
export type { Pack, PackFolder } from './pack-folder.ts';
export type { PackTable } from './pack-table.ts';
export type { SampleRequest, ViewRequest } from './plan.ts';
export { inFloat32, pooledSet } from './pooled.ts';
export type { SampleSource } from './precision.ts';
export { type CacheRecord, encodeRecords, type RecordLayout } from './record.ts';
export { inGroups } from './sample-groups.ts';
export {
  type ChunkOptions,
  type FeatureDtype,
  type FeatureRows,
  type FeatureSample,
  type FeatureSet,
  memoryFeatureSet,
} from './set.ts';
export type { FeatureStore } from './store.ts';
