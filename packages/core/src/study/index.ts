export { poolsFirst, type StudyImages, type StudyTraining, trainStudyHeads } from './data.ts';
export { crossValidate, type FoldsOptions, type FoldsResult } from './folds.ts';
export { type CrossValidated, foldInterval } from './interval.ts';
export { planFolds } from './out-of-fold.ts';
export { assignFolds, type FoldSample } from './partition.ts';
