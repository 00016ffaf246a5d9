export { backends } from './backends.ts';
export { NativeError, type NativeErrorCode } from './errors.ts';
export { FeatureStore, type FeatureStoreOptions } from './feature-store.ts';
export type {
  Activation,
  BackendInfo,
  BackendName,
  Conv2dSpec,
  DenseSpec,
  DropoutSpec,
  EvaluationMetrics,
  FeatureDtype,
  FlattenSpec,
  GlobalAveragePool2dSpec,
  HeadBatch,
  HeadOptions,
  LayerSpec,
  MaxPool2dSpec,
  OptimizerState,
  RandomStream,
  SampleShape,
  Tensor,
  TensorMap,
  TrainerOptions,
  TrainMetrics,
} from './native-module.ts';
export { permutation, randomDomain, uniforms } from './random.ts';
export {
  type AbortOptions,
  type EvaluateOptions,
  type GradientsOptions,
  type PredictOptions,
  Trainer,
  type TrainStepsOptions,
} from './trainer.ts';
