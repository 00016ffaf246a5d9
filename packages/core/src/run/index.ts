export { confusionSvg } from './confusion-plot.ts';
export { curvesSvg } from './curves-plot.ts';
export {
  type MistakePictureOptions,
  type MistakePictures,
  mistakePictures,
} from './mistake-pictures.ts';
export { isModelCard, type ModelCardContents, modelCard } from './model-card.ts';
export { type RunPrediction, readRunPredictions } from './predictions.ts';
export { type Run, readRun, readRunMetrics, readRunWeights } from './read.ts';
export {
  type RunBackbone,
  type RunCalibration,
  type RunData,
  type RunFile,
  type RunImage,
  type RunRecord,
  type RunResult,
  type RunTiming,
  runFiles,
} from './record.ts';
export { reliabilitySvg } from './reliability-plot.ts';
export { mostPictured } from './report/index.ts';
export { readTrainedRun, runPredictions, type TrainedRun } from './trained-run.ts';
export { labelsText, type RunContents, writeRun } from './write.ts';
export { writeEvaluationReport } from './write-evaluation.ts';
