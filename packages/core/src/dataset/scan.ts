import { relative, resolve, sep } from 'node:path';
import { HeadstartError } from '../errors.ts';
import type { LongOperationOptions } from '../operation.ts';
import { type FileHasher, hashFiles } from './hash.ts';
import {
  type ClassFolder,
  findLayout,
  type LabelledFolder,
  type Layout,
  layoutError,
  list,
  readLabelled,
} from './layout.ts';
import { compareCodePoints } from './order.ts';
import { splitSamples } from './split.ts';
import type { Dataset, Sample, SkippedFile } from './types.ts';
import { leakWarnings, missingClassWarning, tinyClassWarning } from './warnings.ts';

export interface HashingOptions extends LongOperationOptions {
  /** What hashes the files; default: each is read. */
  readonly hashFiles?: FileHasher | undefined;
}

export interface ScanOptions extends HashingOptions {
  /** Share of each class that validates where there is no validation folder. Default 0.2. */
  readonly validationFraction?: number | undefined;
  /** Of the split. Default 0. */
  readonly seed?: number | undefined;
}

export interface LabelledImages {
  readonly samples: Sample[];
  readonly skipped: SkippedFile[];
}

/**
 * Scans a folder of images: `root/<class>/*`, which is split by content, or
 * `root/train/<class>/*` with `validation` and `test` folders. Files are read for their hashes at
 * most; none is decoded.
 *
 * @throws HeadstartError `DATA_LAYOUT`, `USAGE`
 */
export async function scanDataset(root: string, options: ScanOptions = {}): Promise<Dataset> {
  const { validationFraction = 0.2, seed = 0, signal } = options;
  if (!(validationFraction > 0 && validationFraction < 1)) {
    throw new HeadstartError(
      'USAGE',
      `The validation fraction must lie between 0 and 1, not be ${validationFraction}.`,
    );
  }
  const layout = await findLayout(resolve(root), signal);
  const parts = await readParts(resolve(root), layout, options);
  const split = { fraction: validationFraction, seed };
  const dataset = layout.kind === 'flat' ? flatDataset(parts, split) : splitDataset(parts, split);
  return {
    ...dataset,
    root: resolve(root),
    classes: parts.classes,
    layout: layout.kind,
    skipped: parts.skipped,
    warnings: [...parts.warnings, ...dataset.warnings],
  };
}

/** The folders of a data set with hashed samples. */
export interface DatasetParts {
  readonly classes: readonly string[];
  /** The images of `train/`, or of the whole folder where it is flat. */
  readonly train: Sample[];
  readonly validation: Sample[] | undefined;
  readonly test: Sample[] | undefined;
  readonly skipped: SkippedFile[];
  readonly warnings: string[];
}

/** Hashes all files of a layout and checks that the classes of its folders agree. */
export async function readParts(
  root: string,
  layout: Layout,
  options: HashingOptions,
): Promise<DatasetParts> {
  const folders = layout.kind === 'flat' ? { train: layout.all } : layout;
  const training = folders.train;
  const classes = training.classes.map(({ name }) => name);
  checkClassCount(training, layout);
  const warnings = layout.kind === 'split' ? [...layout.warnings] : [];
  const parts: Record<'train' | 'validation' | 'test', ClassFolder[] | undefined> = {
    train: [...training.classes],
    validation: undefined,
    test: undefined,
  };
  warnings.push(...training.warnings);
  const skipped = [...training.skipped];
  if (layout.kind === 'split') {
    for (const name of ['validation', 'test'] as const) {
      const folder = layout[name];
      if (!folder) continue;
      warnings.push(...folder.warnings);
      skipped.push(...folder.skipped);
      if (folder.classes.length === 0) warnings.push(`${folder.path} holds no images.`);
      else parts[name] = matchClasses(folder, classes, warnings);
    }
  }
  const hashed = await hashParts(root, classes, parts, options);
  if (hashed.train.length === 0) {
    throw layoutError(`None of the files in ${training.path} can be read`, root);
  }
  skipped.push(...hashed.skipped);
  skipped.sort((a, b) => compareCodePoints(a.path, b.path));
  return { ...hashed, classes, skipped, warnings };
}

function checkClassCount(folder: LabelledFolder, layout: Layout): void {
  const { classes, path, skipped } = folder;
  if (classes.length >= 2) return;
  const hint = skipped[0] ? ` (${skipped.length} other files, for example ${skipped[0].path})` : '';
  const found =
    classes.length === 1
      ? `${path} has only one class, ${classes[0]?.name}`
      : `${path} has no class folders with images${hint}`;
  throw layoutError(found, layout.kind === 'flat' ? path : resolve(path, '..'));
}

function matchClasses(
  folder: LabelledFolder,
  classes: readonly string[],
  warnings: string[],
): ClassFolder[] {
  const unknown = folder.classes.map(({ name }) => name).filter((name) => !classes.includes(name));
  if (unknown.length > 0) {
    throw new HeadstartError(
      'DATA_LAYOUT',
      `${folder.path} has classes that the training folder does not have: ${list(unknown)} (it has ${list(classes)}). Rename or remove them.`,
    );
  }
  const warning = missingClassWarning(folder, classes);
  if (warning) warnings.push(warning);
  return [...folder.classes];
}

async function hashParts(
  root: string,
  classes: readonly string[],
  parts: Readonly<Record<'train' | 'validation' | 'test', ClassFolder[] | undefined>>,
  { hashFiles: hash = hashFiles, ...options }: HashingOptions,
) {
  const files = Object.entries(parts).flatMap(([part, folders]) =>
    (folders ?? []).flatMap(({ name, images }) =>
      images.map((path) => ({ part, path, label: classes.indexOf(name) })),
    ),
  );
  const hashes = await hash(
    files.map(({ path }) => path),
    options,
  );
  const samples: Record<string, Sample[]> = { train: [], validation: [], test: [] };
  const skipped: SkippedFile[] = [];
  files.forEach(({ part, path, label }, i) => {
    const result = hashes[i] as (typeof hashes)[number];
    if ('reason' in result) skipped.push({ path, reason: result.reason });
    else samples[part]?.push({ path, name: nameIn(root, path), label, hash: result.hash });
  });
  for (const list of Object.values(samples)) list.sort((a, b) => compareCodePoints(a.name, b.name));
  const { train = [], validation, test } = samples;
  return {
    train,
    validation: parts.validation && validation,
    test: parts.test && test,
    skipped,
  };
}

function nameIn(root: string, path: string): string {
  return relative(root, path).split(sep).join('/');
}

type SplitResult = Pick<Dataset, 'train' | 'validation' | 'test' | 'validationFrom' | 'warnings'>;

function flatDataset(
  { train: all, classes }: DatasetParts,
  split: { fraction: number; seed: number },
): SplitResult {
  const { train, validation } = splitSamples(all, split);
  if (validation.length === 0) {
    throw new HeadstartError(
      'DATA_LAYOUT',
      'There are too few different images to keep some for validation: add images to each class.',
    );
  }
  const warnings = [tinyClassWarning(all, classes)].filter((text) => text !== undefined);
  return { train, validation, test: [], validationFrom: 'split', warnings };
}

function splitDataset(parts: DatasetParts, split: { fraction: number; seed: number }): SplitResult {
  const { train, validation, test, classes } = parts;
  if (!validation?.length && !test?.length) return flatDataset(parts, split);
  const tiny = tinyClassWarning(train, classes);
  const warnings = tiny === undefined ? [] : [tiny];
  if (validation?.length) {
    warnings.push(...leakWarnings(train, validation, 'validation'));
    if (test) warnings.push(...leakWarnings(train, test, 'test'));
    return { train, validation, test: test ?? [], validationFrom: 'validation', warnings };
  }
  const validating = test ?? [];
  warnings.push(
    'There is no validation folder, so the test folder validates: an accuracy on the same images that chose the best epoch is a little too good.',
    ...leakWarnings(train, validating, 'validation'),
  );
  return { train, validation: validating, test: validating, validationFrom: 'test', warnings };
}

/**
 * The images of any labelled folder, `root/<class>/*`, with labels after a given list of classes.
 *
 * @throws HeadstartError `DATA_LAYOUT`, also where a folder is none of the classes
 */
export async function scanLabelled(
  root: string,
  classes: readonly string[],
  options: HashingOptions = {},
): Promise<LabelledImages> {
  const path = resolve(root);
  const folder = await readLabelled(path, options.signal);
  if (folder.classes.length === 0) {
    throw new HeadstartError(
      'DATA_LAYOUT',
      `${path} has no class folders with images: expected folders named after the classes ${list(classes)}.`,
    );
  }
  const unknown = folder.classes.map(({ name }) => name).filter((name) => !classes.includes(name));
  if (unknown.length > 0) {
    throw new HeadstartError(
      'DATA_LAYOUT',
      `${path} has folders that are no classes here: ${list(unknown)} (the classes are ${list(classes)}).`,
    );
  }
  const parts = { train: [...folder.classes], validation: undefined, test: undefined };
  const { train, skipped } = await hashParts(path, classes, parts, options);
  const all = [...folder.skipped, ...skipped].sort((a, b) => compareCodePoints(a.path, b.path));
  return { samples: train, skipped: all };
}
