export {
  type AppliedCorrections,
  applyCorrections,
  type LabelledParts,
} from './apply-corrections.ts';
export {
  type CheckReport,
  type ClassCount,
  checkDataset,
  type MisnamedFile,
  type Part,
  type SameContent,
} from './check.ts';
export {
  type Correction,
  type CorrectionAction,
  type CorrectionOptions,
  type Corrections,
  readCorrections,
  writeCorrections,
} from './corrections.ts';
export { isHidden, isPictureName } from './extensions.ts';
export { type GroupOf, groupsBy } from './groups.ts';
export { type FileHash, type FileHasher, type HashingOptions, hashFiles } from './hash.ts';
export { findLayout, type Layout } from './layout.ts';
export {
  type DataOptions,
  type LabelledImages,
  type ScanOptions,
  scanDataset,
  scanLabelled,
  scanOptionsOf,
} from './scan.ts';
export type { SplitSettings } from './split-parts.ts';
export type { Dataset, DatasetSplit, Sample, SkippedFile, ValidationSource } from './types.ts';
