/** What a file of corrections did to a data set. */
export interface AppliedCorrections {
  /** As the user named it. */
  readonly file: string;
  /** Of the file's bytes. */
  readonly sha256: string;
  /** Images whose class is another now. */
  readonly relabelled: number;
  /** Images that were left out. */
  readonly removed: number;
  /** Corrections of contents that are not here. */
  readonly unused: number;
}

/** One image file of a data set. */
export interface Sample {
  /** Absolute path. */
  readonly path: string;
  /** Path relative to the data folder, with `/`; absolute where a table names a file elsewhere. */
  readonly name: string;
  /** Index into the class names. */
  readonly label: number;
  /** SHA-256 of the file's bytes, in hexadecimal. */
  readonly hash: string;
  /** What it is never parted from, where a table says so. */
  readonly group?: string | undefined;
}

/** A file that was left out, and why. */
export interface SkippedFile {
  /** Absolute path. */
  readonly path: string;
  /** For people, without a full stop: `it is cut off`. */
  readonly reason: string;
}

/** Where validation images come from: their own folder, the test folder, or a part of training. */
export type ValidationSource = 'validation' | 'test' | 'split';

/** How a folder was split that has no folders for validation and test. */
export interface DatasetSplit {
  readonly validationFraction: number;
  readonly testFraction: number;
  readonly groupBy: string | undefined;
  readonly seed: number;
}

/** A scanned folder or table of images. Samples are in code point order of their names. */
export interface Dataset {
  /** The folder that the samples' names are relative to. */
  readonly root: string;
  /** In code point order, as Keras. */
  readonly classes: readonly string[];
  readonly train: Sample[];
  readonly validation: Sample[];
  /** Where `validationFrom` is `test`, these are the validation samples too. */
  readonly test: Sample[];
  readonly layout: 'flat' | 'split';
  readonly validationFrom: ValidationSource;
  /** Where `validationFrom` is `split`. */
  readonly split: DatasetSplit | undefined;
  readonly skipped: SkippedFile[];
  /** What the corrections did, where some were given. */
  readonly corrections: AppliedCorrections | undefined;
  /** One sentence each. */
  readonly warnings: string[];
  /** Those of the warnings that are about the same bytes under two classes or in two parts. */
  readonly sameBytes: readonly string[];
}

/** The folders of a data set with hashed samples. */
export interface DatasetParts {
  /** The file, where the data is a table. */
  readonly table: string | undefined;
  readonly classes: readonly string[];
  /** The images of `train/`, or of the whole folder where it is flat. */
  readonly train: Sample[];
  readonly validation: Sample[] | undefined;
  readonly test: Sample[] | undefined;
  readonly skipped: SkippedFile[];
  readonly corrections: AppliedCorrections | undefined;
  readonly warnings: string[];
}
