export { confusionSvg } from './confusion-plot.ts';
export type { RunContents } from './contents.ts';
export { curvesSvg } from './curves-plot.ts';
export { type ExportModelOptions, type ExportResult, exportModel } from './export.ts';
export type { Agreement } from './export-int8.ts';
export type { MistakePictures } from './mistake-pictures.ts';
export { modelCard } from './model-card.ts';
export { picturesOfMistakes } from './picture-mistakes.ts';
export { type RunPrediction, readRunPredictions } from './predictions.ts';
export { type Run, readRun, readRunWeights, verifyRun } from './read.ts';
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
export { optionsOfRun, type RecordedOptions, recordedOptions } from './recorded-options.ts';
export { reliabilitySvg } from './reliability-plot.ts';
export { checkpointFile, chooseRunFolder, type RunFolder } from './run-folder.ts';
export { readTrainedRun, runPredictions, type TrainedRun } from './trained-run.ts';
export { writeRun } from './write.ts';
export { writeEvaluationReport } from './write-evaluation.ts';
