export { type AddedImage, addImage } from './add-image.ts';
export {
  type Correction,
  type CorrectionAction,
  type CorrectionOptions,
  checkCorrectionsWritable,
  readCorrections,
  writeCorrections,
} from './corrections.ts';
export { nameOfData } from './data-name.ts';
export { formatOfExtension, isHidden, isPictureName } from './extensions.ts';
export { groupsBy } from './groups.ts';
export { type FileHash, type FileHasher, type HashingOptions, hashFiles } from './hash.ts';
export type { Layout } from './labelled.ts';
export { findLayout, listImages } from './layout.ts';
export { compareCodePoints } from './order.ts';
export { readParts } from './parts.ts';
export {
  type DataOptions,
  type LabelledImages,
  type ScanOptions,
  scanDataset,
  scanLabelled,
  scanLayout,
  scanOptionsOf,
} from './scan.ts';
export { checkedSplit, checkSplitOfLayout, placeParts, type SplitSettings } from './split-parts.ts';
export { imagesRoot } from './table.ts';
export { type TableOptions, tableOptionsOf } from './table-columns.ts';
export { isFolderOrTable, isTable } from './table-rows.ts';
export type {
  AppliedCorrections,
  Dataset,
  DatasetSplit,
  Sample,
  SkippedFile,
  ValidationSource,
} from './types.ts';
export { findImages } from './walk.ts';
export { fewImages, unlearntWarning } from './warnings.ts';
