export { type AddedImage, addImage } from './add-image.ts';
export {
  type AppliedCorrections,
  applyCorrections,
  type LabelledParts,
} from './apply-corrections.ts';
export {
  type Correction,
  type CorrectionAction,
  type CorrectionOptions,
  type Corrections,
  readCorrections,
  writeCorrections,
} from './corrections.ts';
export { formatOfExtension, isHidden, isPictureName } from './extensions.ts';
export { type GroupOf, groupsBy } from './groups.ts';
export { type FileHash, type FileHasher, type HashingOptions, hashFiles } from './hash.ts';
export { findLayout, type Layout } from './layout.ts';
export { compareCodePoints } from './order.ts';
export { readParts } from './parts.ts';
export {
  type DataOptions,
  type LabelledImages,
  type ScanOptions,
  scanDataset,
  scanLabelled,
  scanOptionsOf,
} from './scan.ts';
export {
  checkedSplit,
  checkSplitOfLayout,
  type PlacedParts,
  placeParts,
  type SplitSettings,
} from './split-parts.ts';
export type { Dataset, DatasetSplit, Sample, SkippedFile, ValidationSource } from './types.ts';
export { type FoundFiles, findImages } from './walk.ts';
export { fewImages, unlearntWarning } from './warnings.ts';
