export { type CalibrateOptions, calibrate } from './calibrate.ts';
export { quantizeModel } from './quantize-model.ts';
export {
  type FeatureError,
  featureError,
  type ImageSize,
  type QuantizeOptions,
  quantizedBackbone,
  quantizedPath,
} from './quantized-backbone.ts';
export { RangeHistogram, type TensorRange } from './range-histogram.ts';
