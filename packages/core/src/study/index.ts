export {
  type AuditedImage,
  type AuditOptions,
  type AuditResult,
  auditImages,
  type NearDuplicates,
} from './audit.ts';
export { type AuditPageContents, type AuditPageItem, auditPage } from './audit-page.ts';
export { type ConfidentLabels, confidentLabels } from './confident.ts';
export { learningCurveSvg } from './curve-plot.ts';
export {
  pooledSet,
  poolsFirst,
  type StudyImages,
  type StudyTraining,
  trainStudyHeads,
} from './data.ts';
export { crossValidate, type FoldsOptions, type FoldsResult } from './folds.ts';
export { compareScores, rungsOf } from './halving.ts';
export { type CrossValidated, foldInterval } from './interval.ts';
export { type LearningCurve, learningCurve, stratifiedOrder } from './learning-curve.ts';
export { nearestNeighbours, unitVectors } from './neighbours.ts';
export { outOfFold, planFolds } from './out-of-fold.ts';
export { comparePaired, type PairedComparison } from './paired.ts';
export { describeChoice, parallelSvg } from './parallel-plot.ts';
export { assignFolds, type FoldSample } from './partition.ts';
export { errorAt, extrapolate, fitPowerLaw, type PowerLaw } from './power-law.ts';
export {
  defaultSpace,
  drawTrial,
  parseSpace,
  type SearchSpace,
  type TrialChoice,
} from './space.ts';
export { type SweepState, sweepHeads, type Trial, type TrialEnd, type Wave } from './sweep.ts';
export { intervalOf, sweepPage } from './sweep-page.ts';
