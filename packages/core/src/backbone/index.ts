export { Backbone, type OpenHead } from './backbone.ts';
export { calibrate } from './calibrate.ts';
export { describeFile } from './describe-file.ts';
export {
  chooseProvider,
  cudaProviderLibrary,
  type Provider,
  providerObstacle,
} from './device.ts';
export type { BackboneFile, ImageSettings, LocateOptions } from './file.ts';
export { type BackboneDigest, findByDigest, locateWithDigest } from './find-by-digest.ts';
export { halfBackbone, halfPath } from './half-backbone.ts';
export type { PulledBackbone } from './hub-backbone.ts';
export { locateBackbone } from './locate.ts';
export { type OpenBackboneByNameOptions, openBackbone } from './open.ts';
export { type PullOptions, pullVgg16 } from './pull.ts';
export { type PullWeightsOptions, pullWeights } from './pull-backbone.ts';
export { type QuantizeHeadModelOptions, quantizeHeadModel } from './quantize-head-model.ts';
export {
  type FeatureError,
  featureError,
  type ImageSize,
  quantizedBackbone,
  quantizedPath,
} from './quantized-backbone.ts';
export { RangeHistogram } from './range-histogram.ts';
export type { BackboneInfo, OpenBackboneOptions } from './session.ts';
export { writeChecked } from './write-checked.ts';
