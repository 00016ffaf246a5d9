import type { AppliedCorrections, DatasetSplit, SkippedFile } from '../dataset/index.ts';
import type { ImageFormat } from '../image/index.ts';

export type Part = 'train' | 'validation' | 'test';

/** How many images of a class there are; those that cannot be read do not count. */
export interface ClassCount {
  readonly name: string;
  readonly images: number;
  readonly train: number;
  readonly validation: number;
  readonly test: number;
  /** Names of some of them. */
  readonly examples: readonly string[];
}

/** A file that is not an image of the kind in its name, though it can be read. */
export interface MisnamedFile {
  readonly name: string;
  readonly extension: string;
  readonly content: ImageFormat;
}

/** A file that can be decoded, though its decoder warns of its data. */
export interface WarnedFile {
  readonly name: string;
  /** In the words of libjpeg or libpng. */
  readonly warning: string;
}

export interface CheckedFile {
  /** Relative to the data, with `/`. */
  readonly name: string;
  /** SHA-256 of the file's bytes, in hexadecimal. */
  readonly hash: string;
  readonly part: Part;
  readonly class: string;
}

/** Files that show the same picture. */
export interface SamePicture {
  /** The same bytes; else near duplicates: the same picture in other bytes. */
  readonly exact: boolean;
  /** Of each file to the first one, the least: a correlation, 1 for the same bytes. */
  readonly similarity: number;
  /** Two at least. */
  readonly files: readonly [CheckedFile, ...CheckedFile[]];
}

/**
 * What images have that is not a fault, but that may surprise:
 * - `turned`: EXIF orientation other than 1; they are turned upright when they are read;
 * - `gray`, `cmyk`, `transparent`, `animated`: become RGB, RGB, blended on white, the first frame;
 * - `blank`: one colour, but for noise;
 * - `small`: the shorter side is less than half the backbone's input;
 * - `narrow`: one side is more than 4 times the other;
 * - `large`: more than 50 megapixels.
 */
export type TraitKind =
  | 'turned'
  | 'gray'
  | 'cmyk'
  | 'transparent'
  | 'animated'
  | 'blank'
  | 'small'
  | 'narrow'
  | 'large';

export interface Trait {
  readonly kind: TraitKind;
  readonly count: number;
  /** Names of some of them. */
  readonly examples: readonly string[];
}

/** In pixels, upright. */
export interface Range {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** What is in a folder of images, and what is wrong with it. Names are relative to `root`. */
export interface CheckReport {
  readonly root: string;
  readonly layout: 'flat' | 'split';
  readonly classes: readonly ClassCount[];
  /** Files that are images by their names, less those that corrections remove. */
  readonly images: number;
  /** How training would split the folder; null where its folders make the split. */
  readonly split: DatasetSplit | null;
  readonly corrections: AppliedCorrections | null;
  /** Files that cannot be decoded, and files that are not images by their names. */
  readonly unreadable: readonly SkippedFile[];
  readonly misnamed: readonly MisnamedFile[];
  /** Files that are read, whose picture may be damaged or which other programs may refuse. */
  readonly warned: readonly WarnedFile[];
  /** The same picture under two classes. */
  readonly conflicts: readonly SamePicture[];
  /**
   * The same picture in training and in validation or test. Of near duplicates, the first file is
   * the one in validation or test, the second the nearest in training.
   */
  readonly leaks: readonly SamePicture[];
  /** The same picture several times that is none of the above. */
  readonly duplicates: readonly SamePicture[];
  /** Classes with fewer than 20 images: of training, or of the whole folder where it is flat. */
  readonly tinyClasses: readonly { readonly name: string; readonly count: number }[];
  /** The largest class's images divided by the smallest's, counted so too. */
  readonly imbalance: number;
  /** Null where no image can be read. */
  readonly size: { readonly width: Range; readonly height: Range } | null;
  /** Height and width of the input that `small` is measured against. */
  readonly inputSize: number;
  /** Those that there are. */
  readonly traits: readonly Trait[];
  /** What was found about the layout and the split, one sentence each. */
  readonly warnings: readonly string[];
}
