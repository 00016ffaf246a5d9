export {
  type CheckReport,
  type ClassCount,
  checkDataset,
  type MisnamedFile,
  type Part,
  type SameContent,
} from './check.ts';
export { type FileHash, type FileHasher, hashFiles } from './hash.ts';
export { findLayout, type Layout } from './layout.ts';
export {
  type HashingOptions,
  type LabelledImages,
  type ScanOptions,
  scanDataset,
  scanLabelled,
} from './scan.ts';
export type { Dataset, Sample, SkippedFile, ValidationSource } from './types.ts';
