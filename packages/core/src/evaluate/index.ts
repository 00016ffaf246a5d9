export {
  expectedCalibrationError,
  meanConfidence,
  type ReliabilityBin,
  reliabilityBins,
} from './calibration.ts';
export { type Classification, predictedClasses } from './classification.ts';
export {
  type ConfusionCell,
  type ConfusionMatrix,
  confusionCells,
  confusionCount,
  confusionCsv,
  confusionMatrix,
} from './confusion.ts';
export {
  type Evaluation,
  evaluateClassification,
  hardestClasses,
  type Metrics,
  type SamplePrediction,
  worstMistakes,
} from './evaluation.ts';
export {
  brierScore,
  type ClassScore,
  classScores,
  logLoss,
  type MeanScore,
  meanScores,
  topKAccuracy,
  totals,
  wilsonInterval,
} from './metrics.ts';
export { rocAreas } from './roc.ts';
export { type Rejection, type RiskPoint, type Selective, selectiveScores } from './selective.ts';
export { fitTemperature, withTemperature } from './temperature.ts';
