export { availableThreads } from './available-threads.ts';
export { backends } from './backends.ts';
export { type CheckedRowsOptions, canReadCheckedRows, readCheckedRows } from './checked-rows.ts';
export { ConvStack, type ConvStackOptions } from './conv-stack.ts';
export { type EncodeRowsOptions, encodeRows } from './encoded-rows.ts';
export { NativeError, type NativeErrorCode } from './errors.ts';
export {
  FeatureStore,
  type FeatureStoreOptions,
  type MappedFeaturesOptions,
} from './feature-store.ts';
export type {
  Activation,
  BackendInfo,
  BackendName,
  Compute,
  Conv2dSpec,
  DenseSpec,
  DropoutSpec,
  EvaluationMetrics,
  FeatureDtype,
  FlattenSpec,
  GlobalAveragePool2dSpec,
  HeadBatch,
  HeadOptions,
  LabelledRows,
  LayerSpec,
  MaxPool2dSpec,
  OptimizerSpec,
  OptimizerState,
  RandomStream,
  ResampleFilter,
  SampleShape,
  StackLayer,
  Tensor,
  TensorMap,
  TrainerOptions,
  TrainMetrics,
} from './native-module.ts';
export { permutation, randomDomain, uniforms } from './random.ts';
export { canRenderJpeg, type JpegRendering, renderJpeg } from './render-jpeg.ts';
export {
  type PixelBox,
  type PixelView,
  type Rendering,
  renderViews,
  renderViewsNow,
} from './render-views.ts';
export {
  type AbortOptions,
  type EvaluateHeadsOptions,
  type EvaluateOptions,
  type GradientsOptions,
  type PredictOptions,
  Trainer,
  type TrainStepsOptions,
} from './trainer.ts';
