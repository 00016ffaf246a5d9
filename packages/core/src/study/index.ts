export { type StudyImages, type StudyTraining } from './data.ts';
export { crossValidate, type FoldsOptions, type FoldsResult } from './folds.ts';
