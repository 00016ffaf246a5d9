export {
  type EarlyStoppingDecision,
  type EarlyStoppingOptions,
  type EarlyStoppingState,
  initialEarlyStopping,
  type Monitor,
  monitors,
  stepEarlyStopping,
} from './early-stopping.ts';
export { type EpochRecord, historyCsv } from './history.ts';
export type { HeadLayer } from './layer.ts';
export { type HeadModelOptions, writeHeadModel } from './onnx.ts';
export type {
  CheckpointOptions,
  EpochFeatures,
  Score,
  TrainedHead,
  TrainHeadOptions,
  TrainingOptions,
} from './options.ts';
export { type PredictHeadOptions, predictHead } from './predict.ts';
export {
  type BatchRun,
  epochBatches,
  planViews,
  type ScheduleOptions,
  type ViewPolicy,
} from './schedule.ts';
export { trainingSchedule } from './settings.ts';
export {
  type HeadPreset,
  type HeadSpec,
  headPreset,
  headPresetNames,
  loadHeadSpec,
  type ParameterShape,
  parseHeadSpec,
  type ResolvedHead,
  type ResolveOptions,
} from './spec.ts';
export { resolveHead } from './spec-resolve.ts';
export { trainHead } from './train.ts';
export {
  checkHeadWeights,
  type HeadWeights,
  readHeadWeights,
  writeHeadWeights,
} from './weights.ts';
