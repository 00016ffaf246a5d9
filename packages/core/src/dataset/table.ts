import { basename, dirname, resolve } from 'node:path';
import type { OperationOptions } from '../base/operation.ts';
import { fileFinder } from './find-file.ts';
import type { LabelledFolder, Layout } from './labelled.ts';
import { list } from './layout-error.ts';
import { compareCodePoints } from './order.ts';
import { type PartName, partNamed } from './part-names.ts';
import { chooseColumns, type TableColumns, type TableOptions } from './table-columns.ts';
import { isTable, readRows, type TableRow, tableError } from './table-rows.ts';
import type { SkippedFile } from './types.ts';

/** What a row says of an image. */
interface RowImage {
  readonly path: string;
  readonly label: string;
  readonly part: PartName | undefined;
  readonly group: string | undefined;
  readonly line: number;
}

/** A table of images that was read. */
export interface ImageTable {
  readonly path: string;
  /** What its paths are relative to. */
  readonly root: string;
  /** Each once, in the table's order. */
  readonly images: readonly RowImage[];
  readonly skipped: readonly SkippedFile[];
  readonly warnings: readonly string[];
}

/** The folder that names of samples are relative to: of a table, its own or the one that was named. */
export function imagesRoot(data: string, { root }: TableOptions): string {
  return isTable(data) ? resolve(root ?? dirname(data)) : resolve(data);
}

/**
 * Reads a table of images. A row without a label, and one whose file is not there, is left out; what
 * contradicts another row is refused.
 *
 * @throws HeadstartError `DATA_LAYOUT`, which names file and line; `USAGE` for columns that are not there
 */
export async function readTable(
  path: string,
  options: TableOptions & OperationOptions,
): Promise<ImageTable> {
  const { columns, rows } = await readRows(path);
  const chosen = chooseColumns(path, columns, options);
  const root = imagesRoot(path, options);
  const images = new Map<string, RowImage>();
  const skipped: SkippedFile[] = [];
  const doubled: string[] = [];
  const find = fileFinder(root);
  for (const row of rows) {
    options.signal?.throwIfAborted();
    const place = await find(fileOf(path, row, chosen));
    const image = imageOf(path, row, chosen, place.path);
    const reason = place.reason ?? (image.label === '' ? 'it has no label' : undefined);
    if (reason !== undefined) {
      skipped.push({ path: place.path, reason: `${reason} (${basename(path)}, line ${row.line})` });
      continue;
    }
    const before = images.get(place.path);
    if (before) {
      checkSame(path, before, image);
      doubled.push(`${image.path} in lines ${before.line} and ${image.line}`);
    } else images.set(place.path, image);
  }
  if (images.size === 0) throw nothingIn(path, root, skipped);
  const warnings: string[] = [];
  if (doubled.length > 0) {
    const rest = doubled.length > 3 ? ' and more' : '';
    warnings.push(
      `${path} names images more than once, each of which is used once: ${doubled.slice(0, 3).join(', ')}${rest}.`,
    );
  }
  if (columns.some((name) => /^(sample[ _-]?)?weights?$/i.test(name))) {
    warnings.push(`${path} has a column of weights, which is not used: all images count the same.`);
  }
  return { path, root, images: [...images.values()], skipped, warnings };
}

/** The file that a row names. */
function fileOf(path: string, row: TableRow, columns: TableColumns): string {
  const file = textIn(path, row, columns.path, 'path');
  if (file.trim() === '') throw tableError(path, 'there is no path', row.line);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(file)) {
    const what = `${file} is an address: fetch the images first, and name their files`;
    throw tableError(path, what, row.line);
  }
  return file;
}

/** Of a value that is a text, a number, true or false. */
function textIn(path: string, row: TableRow, column: number, what: string): string {
  const value = row.values[column];
  if (value === undefined || value === null) return '';
  if (typeof value !== 'object') return String(value);
  const several = Array.isArray(value)
    ? `a list, and an image has one ${what}`
    : 'an object, not a text';
  throw tableError(path, `the ${what} is ${several}`, row.line);
}

function imageOf(path: string, row: TableRow, columns: TableColumns, file: string): RowImage {
  const of = (column: number | undefined, what: string) =>
    column === undefined ? '' : textIn(path, row, column, what).trim();
  const label = of(columns.label, 'label').normalize();
  if (/[\r\n]/.test(label)) throw tableError(path, 'the label has a line break in it', row.line);
  const split = of(columns.split, 'split');
  const part = columns.split === undefined ? undefined : partOf(path, split, row.line);
  return {
    path: file,
    label,
    part,
    group: of(columns.group, 'group') || undefined,
    line: row.line,
  };
}

/** fastai's `is_valid` says true and false. */
function partOf(path: string, split: string, line: number): PartName {
  if (/^(true|1|yes)$/i.test(split)) return 'validation';
  if (/^(false|0|no)$/i.test(split)) return 'train';
  const part = partNamed(split);
  if (part) return part;
  const wrong = split === '' ? 'there is no split' : `"${split}" is not a split`;
  throw tableError(path, `${wrong}: it must be train, validation or test`, line);
}

function checkSame(path: string, before: RowImage, image: RowImage): void {
  const differs = (['label', 'part', 'group'] as const).find((key) => before[key] !== image[key]);
  if (differs === undefined) return;
  const said = (one: RowImage) => one[differs] ?? 'nothing';
  const what = differs === 'part' ? 'split' : differs;
  throw tableError(
    path,
    `the ${what} of ${image.path} is ${said(image)} here and ${said(before)} in line ${before.line}: keep one of the two`,
    image.line,
  );
}

function nothingIn(path: string, root: string, skipped: readonly SkippedFile[]) {
  const [first] = skipped;
  if (!first) return tableError(path, 'has no rows');
  return tableError(
    path,
    `names no image that can be used, the first because ${first.path}: ${first.reason}; its paths are relative to ${root}, or to what \`root\` says`,
  );
}

/** The rows of a table as if they were folders, with parts where a column makes them. */
export function layoutOfTable(table: ImageTable): Layout {
  const { path, root, images, skipped, warnings } = table;
  const groups = new Map(
    images.flatMap(({ path, group }) => (group === undefined ? [] : [[path, group] as const])),
  );
  const places = { root, table: path, groups };
  const parts = [...new Set(images.map(({ part }) => part))];
  const [only] = parts;
  if (parts.length === 1) {
    const unused = `All rows of ${path} are of the split ${only}: all are taken alike.`;
    const said = only === undefined || only === 'train' ? warnings : [...warnings, unused];
    return { kind: 'flat', ...places, all: labelled(path, images, skipped, said) };
  }
  if (!parts.includes('train')) {
    throw tableError(path, `has rows of the split ${list(parts as PartName[])} but none of train`);
  }
  const part = (name: PartName, skipped?: readonly SkippedFile[]) => {
    const own = images.filter((image) => image.part === name);
    return own.length === 0 ? undefined : labelled(`${path} (${name})`, own, skipped);
  };
  return {
    kind: 'split',
    ...places,
    train: part('train', skipped) as LabelledFolder,
    validation: part('validation'),
    test: part('test'),
    warnings,
  };
}

/** Images by their labels. */
export function labelled(
  path: string,
  images: readonly RowImage[],
  skipped: readonly SkippedFile[] = [],
  warnings: readonly string[] = [],
): LabelledFolder {
  const byLabel = new Map<string, string[]>();
  for (const image of images) {
    const known = byLabel.get(image.label);
    if (known) known.push(image.path);
    else byLabel.set(image.label, [image.path]);
  }
  const classes = [...byLabel]
    .map(([name, own]) => ({ name, images: own }))
    .sort((a, b) => compareCodePoints(a.name, b.name));
  return { path, classes, skipped, warnings };
}
