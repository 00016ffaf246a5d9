export { type AuditedFile, type AuditJobOptions, type AuditJobResult, auditJob } from './audit.ts';
export type { BackboneKeeper, LentBackbone } from './backbone-keeper.ts';
export {
  type CacheContent,
  type CacheJobOptions,
  type CacheListing,
  type CacheMerge,
  type CacheVerification,
  listCache,
  type MergeCachesOptions,
  mergeCaches,
  type VerifyCacheOptions,
  verifyCache,
} from './cache.ts';
export { type CacheExport, type CacheFileOptions, exportCache, importCache } from './cache-file.ts';
export {
  type CacheCollection,
  type CacheRepair,
  type CollectGarbageOptions,
  collectCacheGarbage,
  repairDamagedCache,
} from './cache-gc.ts';
export {
  type CacheRecomputation,
  type RecomputeOptions,
  recomputeCache,
} from './cache-recompute.ts';
export { type CompareJobOptions, type CompareResult, compareJob } from './compare.ts';
export { type DoctorOptions, doctor, type Finding } from './doctor.ts';
export {
  type EvaluateJobOptions,
  type EvaluateResult,
  evaluateJob,
  type Mistake,
} from './evaluate.ts';
export type { EvaluatedData, SplitChoice } from './evaluated-samples.ts';
export { type ExplainItem, type ExplainJobOptions, explainJob } from './explain.ts';
export { type ExportJobOptions, type ExportResult, exportJob } from './export.ts';
export type { Agreement } from './export-int8.ts';
export type { ExtractorOptions, OpenBackbone } from './extractor.ts';
export {
  type FeaturesJobOptions,
  type FeaturesJobResult,
  featuresJob,
  inShard,
  type Shard,
} from './features.ts';
export {
  type FoldsJobOptions,
  type FoldsJobResult,
  type FoldsSummary,
  foldsJob,
  type StudyTrainingOptions,
} from './folds.ts';
export {
  type LearningCurveJobOptions,
  type LearningCurveJobResult,
  learningCurveJob,
} from './learning-curve.ts';
export type { SampleSource } from './precision.ts';
export { type PullJobOptions, pullJob } from './pull.ts';
export { headOfRun, Retrainer, type RetrainOptions } from './retrain.ts';
export { type Page, Review, type ReviewedMistake } from './review.ts';
export { cachedHasher, type HashingJobOptions, type StoreJobOptions } from './store.ts';
export type { StudyDataOptions } from './study-data.ts';
export { type SweepJobOptions, type SweepJobResult, sweepJob, type TrialSummary } from './sweep.ts';
export { trainJob } from './train.ts';
export type { TrainFolds } from './train-folds.ts';
export type { TrainJobOptions, TrainSummary } from './train-options.ts';
export type { TrainingDataOptions } from './training-data.ts';
