export { type ImageOrigin, type OpenImagesOptions, openImages } from './open-images.ts';
export { headOfRun, Retrainer, type RetrainOptions } from './retrain.ts';
export { type TrainSettings, train, trainOn } from './train.ts';
export type { TrainOptions, TrainSummary } from './train-options.ts';
export {
  type FeatureCounts,
  lent,
  openTrainingData,
  type TrainingData,
  type TrainingDataOptions,
} from './training-data.ts';
