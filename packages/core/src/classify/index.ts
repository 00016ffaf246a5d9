export { BatchedClassifier, type BatchedClassifierOptions } from './batched-classifier.ts';
export {
  type Classified,
  Classifier,
  type ClassifyOptions,
  type ImageInput,
  type ImageModel,
  type Prediction,
  type RankedClass,
  type ReadImage,
  type ReadImageOptions,
  type UnreadableImage,
} from './classifier.ts';
export { type LoadClassifierOptions, loadClassifier } from './load.ts';
