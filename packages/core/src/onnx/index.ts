export { type AdaptOptions, adaptModel, isCanonical } from './adapt.ts';
export { appendHead, appendHeadParts, headModel } from './append-head.ts';
export { classScoresIn, lastDenseLayer } from './class-scores.ts';
export {
  type ConvWeights,
  checkFinite,
  checkShape,
  float32Of,
  type Preprocessing,
  type Vgg16Weights,
} from './conv-weights.ts';
export { chosenPart } from './cut-classifier.ts';
export { hasExternalData, takeExternalData } from './external-data.ts';
export { calibratedTensors } from './graph.ts';
export { halfModel } from './half-model.ts';
export { describeModel, type ModelDescription, type OutputChoice } from './inspect.ts';
export { forMatrixUnit, hasMatrixUnit } from './matrix-unit.ts';
export { digestOfBackbone, readOutline, unreadableBackbone } from './model-outline.ts';
export {
  decodeModel,
  elementType,
  encodeModel,
  hwioToOihw,
  type Model,
  modelMetadata,
  tensorTypeOf,
  valueInfo,
} from './onnx-model.ts';
export {
  type InputPreprocessing,
  inputPreprocessings,
  type Normalization,
  namedPreprocessing,
  type PixelPreprocessing,
  preprocessingText,
} from './preprocessing.ts';
export { quantizeModel, type TensorRange } from './quantize-model.ts';
export { hasStackPlan, type StackPlan, stackPlan } from './stack-plan.ts';
export type { TokenChoice } from './tokens.ts';
export {
  type BackboneVariant,
  changesOf,
  checkVariant,
  largestImageSize,
  suffixOf,
  variantOf,
} from './variant.ts';
export {
  type ConvLayer,
  vgg16Citation,
  vgg16Convolutions,
  vgg16FeatureLayer,
  vgg16ImageSize,
} from './vgg16.ts';
export { backboneModel, type ChannelStatistics } from './vgg16-graph.ts';
export { withMetadata } from './with-metadata.ts';
export { withoutHead } from './without-head.ts';
