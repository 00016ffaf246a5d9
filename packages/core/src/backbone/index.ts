export { appendHead, appendHeadParts, type HeadGraph, headModel } from './append-head.ts';
export { openWhenRun, type RunnableBackbone } from './deferred.ts';
export { describeFile } from './describe-file.ts';
export {
  type ChosenProvider,
  chooseProvider,
  cudaProviderLibrary,
  type Provider,
  providerObstacle,
  tensorRtObstacle,
  tensorRtProviderLibrary,
} from './device.ts';
export { type DownloadOptions, download } from './fetch.ts';
export { type DownloadTensorsOptions, downloadTensors } from './fetch-tensors.ts';
export type { BackboneFile, LocateOptions } from './file.ts';
export { halfBackbone, halfPath } from './half-backbone.ts';
export { type QuantizeHeadModelOptions, quantizeHeadModel, withMetadata } from './head-model.ts';
export { locateBackbone } from './locate.ts';
export { hasMatrixUnit } from './matrix-unit.ts';
export type { InputPreprocessing } from './preprocessing.ts';
export { type PullOptions, pullVgg16 } from './pull.ts';
export {
  type FeatureError,
  featureError,
  type ImageSize,
  quantizedBackbone,
  quantizedPath,
} from './quantize/index.ts';
export { Backbone, type BackboneInfo, type OpenBackboneOptions, type OpenHead } from './session.ts';
export { digestOf, type Expected } from './verify.ts';
export type { Preprocessing } from './weights/conv-weights.ts';
export { writeChecked } from './write-checked.ts';
