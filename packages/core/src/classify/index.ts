export {
  type Classified,
  Classifier,
  type ClassifyOptions,
  type ImageInput,
  type ImageModel,
  type Prediction,
  type RankedClass,
  type UnreadableImage,
} from './classifier.ts';
export { type LoadClassifierOptions, loadClassifier } from './load.ts';
