export {
  type AuditedImage,
  type AuditOptions,
  type AuditResult,
  auditImages,
  type NearDuplicates,
} from './audit.ts';
export { type AuditPageContents, type AuditPageItem, auditPage } from './audit-page.ts';
export { type ConfidentLabels, confidentLabels } from './confident.ts';
export { poolsFirst, type StudyImages, type StudyTraining, trainStudyHeads } from './data.ts';
export { crossValidate, type FoldsOptions, type FoldsResult } from './folds.ts';
export { type CrossValidated, foldInterval } from './interval.ts';
export { nearestNeighbours, unitVectors } from './neighbours.ts';
export { planFolds } from './out-of-fold.ts';
export { comparePaired, type PairedComparison } from './paired.ts';
export { assignFolds, type FoldSample } from './partition.ts';
