export { type CheckOptions, checkDataset } from './check.ts';
export { type CheckPageOptions, writeCheckPage } from './page.ts';
export type {
  CheckedFile,
  CheckReport,
  ClassCount,
  MisnamedFile,
  Part,
  SamePicture,
  Trait,
  TraitKind,
  WarnedFile,
} from './types.ts';
export { adviceOn, countPictures, describeTrait, likeness } from './words.ts';
