export {
  type AuditedFile,
  type AuditLabelsOptions,
  type AuditLabelsResult,
  auditLabels,
} from './audit-labels.ts';
export { type CompareResult, type CompareRunsOptions, compareRuns } from './compare-runs.ts';
export { confidentLabels } from './confident.ts';
export {
  type CrossValidateOptions,
  type CrossValidateResult,
  crossValidate,
  type ExperimentTrainingOptions,
  type FoldsSummary,
} from './cross-validate.ts';
export { curvePoints, stratifiedOrder } from './curve-points.ts';
export { describeChoice } from './describe-choice.ts';
export type { ExperimentDataOptions } from './experiment-data.ts';
export { crossValidateHeads } from './fold-scores.ts';
export { rungsOf } from './halving.ts';
export { trainExperimentHeads } from './heads.ts';
export { foldInterval } from './interval.ts';
export { auditImages } from './label-issues.ts';
export {
  type LearningCurveOptions,
  type LearningCurveResult,
  learningCurve,
} from './learning-curve.ts';
export { nearestNeighbours, unitVectors } from './neighbours.ts';
export { outOfFold, planFolds } from './out-of-fold.ts';
export { comparePaired } from './paired.ts';
export { assignFolds, type FoldSample } from './partition.ts';
export { errorAt, extrapolate, fitPowerLaw } from './power-law.ts';
export { defaultSpace, drawTrial, parseSpace, type TrialChoice } from './search-space.ts';
export { type SweepOptions, type SweepResult, sweep, type TrialSummary } from './sweep.ts';
export { type TrainFolds, type TrainFoldsOptions, trainAndCrossValidate } from './train-folds.ts';
export type { SweepState, Trial, TrialEnd } from './trial.ts';
export { sweepHeads } from './trials.ts';
