export { defaultDirectories } from '../base/directories.ts';
export { plural } from '../base/plural.ts';
export {
  checkReportOptions,
  dataOptions,
  seedOption,
  splitOptions,
  tableOptions,
} from './data.ts';
export { deviceOptions, threadsOption } from './device.ts';
export {
  auditDefaults,
  auditOptions,
  compareOptions,
  foldsOptions,
  learningCurveOptions,
  sweepOptions,
} from './experiments.ts';
export { collectOptions, featuresOptions, folderOptions, verifyOptions } from './features.ts';
export {
  augmentOptions,
  backboneOptions,
  precisionOptions,
  resizeOptions,
  viewsOption,
  viewsOrExactOption,
} from './images.ts';
export {
  choice,
  integer,
  type Kind,
  number,
  onOff,
  path,
  text,
  type ValueOf,
  wordOr,
} from './kinds.ts';
export {
  checkOptions,
  type EntryValue,
  type OptionEntry,
  type OptionsOf,
  type OptionTable,
  option,
  pickOptions,
  type SettledOptions,
  settleOptions,
  wrongOption,
} from './option.ts';
export {
  evaluateOptions,
  explainOptions,
  exportOptions,
  pullOptions,
  setupOptions,
} from './run.ts';
export type { Fit, Shard } from './text-forms.ts';
export {
  demoOptions,
  featureFileOption,
  runOptions,
  validationFeaturesOption,
} from './train.ts';
export {
  computeOption,
  headOptions,
  optimizerOptions,
  restoreBestOption,
  rowViewsOption,
  scheduleDetails,
  scheduleOptions,
  stoppingOptions,
  validationStepsOption,
} from './training.ts';
