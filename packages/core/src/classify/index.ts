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
  type EvaluateOptions,
  type EvaluateResult,
  evaluate,
  type Mistake,
} from './evaluate.ts';
export type { EvaluatedData, SplitChoice } from './evaluated-samples.ts';
export {
  type Explained,
  Explainer,
  type ExplainOptions,
  type Explanation,
  loadExplainer,
} from './explain.ts';
export { type ExplainImagesOptions, type ExplainItem, explainImages } from './explain-images.ts';
export { classifierOn, explainerOn, isHeadOn, openRunBackbone } from './head-on-backbone.ts';
export { type LoadClassifierOptions, loadClassifier } from './load.ts';
export { type FetchImageOptions, fetchImage, type ImageInput } from './read-input.ts';
export { type Page, Review, type ReviewedMistake } from './review.ts';
