export { BatchedClassifier, type BatchedClassifierOptions } from './batched-classifier.ts';
export {
  type Classified,
  Classifier,
  type ClassifyOptions,
  type ImageModel,
  type LabelOptions,
  type Prediction,
  type RankedClass,
  type ReadImage,
  type ReadImageOptions,
  type UnreadableImage,
  unknownLabel,
} from './classifier.ts';
export {
  type Explained,
  Explainer,
  type ExplainOptions,
  type Explanation,
  loadExplainer,
} from './explain.ts';
export { type LoadClassifierOptions, loadClassifier } from './load.ts';
export { type FetchImageOptions, fetchImage, type ImageInput } from './read-input.ts';
export { SharedBackbone } from './shared-backbone.ts';
