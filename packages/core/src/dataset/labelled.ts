import type { SkippedFile } from './types.ts';

/** The images of one class: a folder, or the rows of a table with its label. */
export interface ClassFolder {
  /** In the composed form of Unicode (NFC). */
  readonly name: string;
  /** The folder's name as it is on disk; of several in different forms the first. */
  readonly folder?: string;
  /** Absolute paths of files that are images by their names. */
  readonly images: readonly string[];
}

/** A folder of class folders, or the rows of a table. */
export interface LabelledFolder {
  readonly path: string;
  /** Those with files in them that are images by their names, in code point order. */
  readonly classes: readonly ClassFolder[];
  readonly skipped: readonly SkippedFile[];
  readonly warnings: readonly string[];
}

/** Where the images of a data set lie. */
export interface ImagePlaces {
  /** The folder that the samples' names are relative to. */
  readonly root: string;
  /** The file, where the data is a table. */
  readonly table?: string | undefined;
  /** Of images by their paths, where a table says them. */
  readonly groups?: ReadonlyMap<string, string> | undefined;
}

/** What a data folder or a table turns out to be. */
export type Layout = ImagePlaces &
  (
    | { readonly kind: 'flat'; readonly all: LabelledFolder }
    | {
        readonly kind: 'split';
        readonly train: LabelledFolder;
        readonly validation: LabelledFolder | undefined;
        readonly test: LabelledFolder | undefined;
        readonly warnings: readonly string[];
      }
  );
