export { chooseTrainer, describeTrainer } from './device.ts';
export {
  type EarlyStoppingOptions,
  type EarlyStoppingState,
  initialEarlyStopping,
  type Monitor,
  stepEarlyStopping,
} from './early-stopping.ts';
export type { LoadFeaturesOptions } from './feature-store.ts';
export { HeadExplainer, type HeadExplanation, type HeatMap } from './grad-cam.ts';
export { type EpochRecord, historyCsv } from './history.ts';
export type { HeadLayer } from './layer.ts';
export {
  type CosineOptions,
  cosineRate,
  initialPlateau,
  type LearningRateSchedule,
  type PlateauOptions,
  stepPlateau,
} from './learning-rate.ts';
export type {
  CheckpointOptions,
  ClassWeights,
  EpochFeatures,
  HeadVariation,
  OptimizerName,
  Score,
  TrainedHead,
  TrainHeadOptions,
  TrainHeadsOptions,
  TrainingOptions,
} from './options.ts';
export { checkTrainingOptions, viewsOfVariations } from './plan.ts';
export { featuresFor, inputShapeOf, isPooledOnce, poolsFirst } from './pooled-features.ts';
export { type PredictHeadOptions, predictHead } from './predict.ts';
export { epochBatches, planViews, type ScheduleOptions, type ViewPolicy } from './schedule.ts';
export { trainingSchedule } from './settings.ts';
export {
  defaultHead,
  type HeadPreset,
  type HeadSpec,
  headPreset,
  loadHeadSpec,
  type ParameterShape,
  parseHeadSpec,
  type ResolvedHead,
} from './spec.ts';
export { resolveHead } from './spec-resolve.ts';
export { FeatureStores } from './stores.ts';
export { trainHead, trainHeads, tryHeads } from './train.ts';
export {
  checkHeadWeights,
  type HeadWeights,
  readHeadWeights,
  writeHeadWeights,
} from './weights.ts';
