// What the above is made of: everything that a signature names can be named.
export type {
  Activation,
  BackendName,
  Conv2dSpec,
  DenseSpec,
  DropoutSpec,
  FlattenSpec,
  GlobalAveragePool2dSpec,
  LayerSpec,
  MaxPool2dSpec,
  Tensor,
} from '@headstart/native';
export { checkWritable } from './atomic-file.ts';
export type {
  Backbone,
  BackboneFile,
  BackboneInfo,
  FeatureError,
  OpenBackboneOptions,
  OpenHead,
  Preprocessing,
  Provider,
  PullOptions,
  RunnableBackbone,
} from './backbone/index.ts';
export type {
  CheckedFile,
  ClassCount,
  MisnamedFile,
  Part,
  TraitKind,
} from './check/index.ts';
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
export type {
  ImageModel,
  LabelOptions,
  ReadImage,
  ReadImageOptions,
} from './classify/index.ts';
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
  SharedBackbone,
  type UnreadableImage,
  unknownLabel,
} from './classify/index.ts';
export type {
  AddedImage,
  AppliedCorrections,
  Correction,
  CorrectionAction,
  CorrectionOptions,
  DataOptions,
  DatasetSplit,
  FileHash,
  FileHasher,
  HashingOptions,
  Sample,
  ScanOptions,
  SkippedFile,
  SplitSettings,
  ValidationSource,
} from './dataset/index.ts';
export { type Dataset, scanDataset } from './dataset/index.ts';
export {
  type Device,
  type DeviceChoice,
  type DeviceOptions,
  deviceChoices,
} from './device.ts';
export { type Directories, defaultDirectories } from './directories.ts';
export { type ErrorCode, HeadstartError, reasonOf } from './errors.ts';
export type {
  ClassScore,
  ConfusionMatrix,
  MeanScore,
  Metrics,
  ReliabilityBin,
} from './evaluate/index.ts';
export type {
  CacheRecord,
  Claim,
  ExtractorDescription,
  ExtractorId,
  FeatureDtype,
  FeatureRows,
  FeatureStore,
  RecordLayout,
} from './features/index.ts';
export type {
  ClassWeights,
  EarlyStoppingOptions,
  EpochRecord,
  HeadExplainer,
  HeadExplanation,
  HeadLayer,
  HeadSpec,
  HeadWeights,
  HeatMap,
  LearningRateSchedule,
  Monitor,
  OptimizerName,
  ParameterShape,
  PlateauOptions,
  ResolvedHead,
  Score,
  TrainedHead,
  TrainingOptions,
  ViewPolicy,
} from './head/index.ts';
export type {
  AugmentOptions,
  Fit,
  ImageFormat,
  ResizeMethod,
  ResizeOptions,
  UnreadableKind,
} from './image/index.ts';
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
export type {
  Run,
  RunBackbone,
  RunCalibration,
  RunData,
  RunFile,
  RunImage,
  RunPrediction,
  RunResult,
  RunTiming,
  TrainedRun,
} from './run/index.ts';
export { type RunRecord, readRun, readTrainedRun } from './run/index.ts';
export type {
  SafetensorsDtype,
  TensorToWrite,
} from './safetensors.ts';
export {
  readSafetensorsHeader,
  SafetensorsFile,
  type SafetensorsHeader,
  type TensorEntry,
  writeSafetensors,
} from './safetensors.ts';
export type { TrafficLightOptions } from './sample/index.ts';
export { generateTrafficLights } from './sample/index.ts';
export { describeChoice, type Trial, type TrialChoice, type TrialEnd } from './study/index.ts';
