export { checkWritable } from './atomic-file.ts';
export type { FeatureError } from './backbone/index.ts';
export {
  adviceOn,
  type CheckOptions,
  type CheckReport,
  checkDataset,
  countPictures,
  describeTrait,
  likeness,
  type SamePicture,
  type Trait,
  writeCheckPage,
} from './check/index.ts';
export {
  BatchedClassifier,
  type BatchedClassifierOptions,
  type Classified,
  Classifier,
  type ClassifyOptions,
  type Explained,
  Explainer,
  type ExplainOptions,
  type Explanation,
  type FetchImageOptions,
  fetchImage,
  type ImageInput,
  type LoadClassifierOptions,
  loadClassifier,
  loadExplainer,
  type Prediction,
  type RankedClass,
  type UnreadableImage,
  unknownLabel,
} from './classify/index.ts';
export { type Dataset, scanDataset } from './dataset/index.ts';
export { type Directories, defaultDirectories } from './directories.ts';
export { type ErrorCode, HeadstartError, reasonOf } from './errors.ts';
export type {
  EpochRecord,
  LearningRateSchedule,
  OptimizerName,
  TrainingOptions,
} from './head/index.ts';
export type { AugmentOptions, Fit, ResizeMethod } from './image/index.ts';
export * from './jobs/index.ts';
export {
  isAbort,
  type LongOperationOptions,
  type Notice,
  type NoticeListener,
  type OperationOptions,
  type Progress,
  type ProgressListener,
} from './operation.ts';
export { type RunRecord, readRun } from './run/index.ts';
export {
  readSafetensorsHeader,
  SafetensorsFile,
  type SafetensorsHeader,
  type TensorEntry,
  writeSafetensors,
} from './safetensors.ts';
export { generateTrafficLights } from './sample/index.ts';
export { describeChoice } from './study/index.ts';
