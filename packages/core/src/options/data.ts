import { integer, number, onOff, path, text } from './kinds.ts';
import { option } from './option.ts';

/** How a table of images is read; for folders they say nothing. */
export const tableOptions = {
  /** The folder that the paths of a table are relative to; default: the table's own. */
  root: option(path('folder'), {
    help: 'of a table: the folder that its paths are relative to (default: its own)',
  }),
  /** The column of image files. Default: `path`, or what other programs call it. */
  pathColumn: option(text('name'), {
    help: 'of a table: the column of image files (default: path, file_name, filename, fname, …)',
  }),
  /** The column of labels. Default: `label` or `class`. */
  labelColumn: option(text('name'), {
    help: 'of a table: the column of labels (default: label or class)',
  }),
  /** The column that says train, validation or test. Default: `split` or `is_valid`, where there is one. */
  splitColumn: option(text('name'), {
    help: 'of a table: the column of train, validation and test (default: split or is_valid)',
  }),
  /** The column of groups, which are never parted. Default: `group`, where there is one. */
  groupColumn: option(text('name'), {
    help: 'of a table: the column of groups that are never parted (default: group)',
  }),
} as const;

/** How a folder or a table of images is read. */
export const dataOptions = {
  /** A CSV file of images that have another label or are left out. */
  corrections: option(path('file'), {
    help: 'labels to change and images to leave out (CSV: hash,file,action,label)',
  }),
  /** Read every file, also those that look as they did when they were read before. */
  rehash: option(onOff(), {
    help: 'read every file again, also those that have not changed since',
  }),
  ...tableOptions,
} as const;

/** How a folder without folders for validation and test is split. */
export const splitOptions = {
  /** Share of each class that validates where there is no validation folder. Default 0.2. */
  validationFraction: option(number({ above: 0, below: 1 }), {
    default: 0.2,
    help: 'share of the images that validates, where no folder does',
  }),
  /** Share of each class that is kept for testing; for flat folders only. Default 0. */
  testFraction: option(number({ min: 0, below: 1 }), {
    default: 0,
    help: 'share of the images that is kept for `evaluate --split test`, where no folder is',
  }),
  /**
   * A regular expression on the path relative to the data: images for which its first parentheses
   * (or all of it) match the same are never apart.
   */
  groupBy: option(text('regex'), {
    help: 'never split images whose paths match the same (in the first parentheses, or in all)',
  }),
} as const;

const largestSeed = Number.MAX_SAFE_INTEGER;

/** What all random draws of an operation follow from. */
export const seedOption = {
  /** Default 0. */
  seed: option(integer({ max: largestSeed }), {
    default: 0,
    help: 'seed of everything that is drawn',
  }),
} as const;

export const checkReportOptions = {
  /** An HTML page with small pictures, to write. */
  html: option(path('file'), {
    help: 'also write a page with small pictures, which opens offline',
  }),
  /** A CSV file of corrections that leave out images of the same bytes, to write. */
  writeCorrections: option(path('file'), {
    help: 'also write corrections that leave out the same bytes under two classes or in two parts',
  }),
  /** Height and width of the input that images are compared with. Default 224. */
  imageSize: option(integer({ min: 1 }), {
    default: 224,
    placeholder: 'pixels',
    help: 'height and width of the input that images are compared with',
  }),
} as const;
