import { resolve } from 'node:path';
import { HeadstartError } from '../errors.ts';
import { type AppliedCorrections, applyCorrections } from './apply-corrections.ts';
import { type CorrectionOptions, openCorrections } from './corrections.ts';
import type { HashingOptions } from './hash.ts';
import { findLayout, list, readLabelled } from './layout.ts';
import { compareCodePoints } from './order.ts';
import { type DatasetParts, hashParts, readParts } from './parts.ts';
import { splitSamples } from './split.ts';
import type { Dataset, Sample, SkippedFile } from './types.ts';
import { leakWarnings, tinyClassWarning } from './warnings.ts';

export interface ScanOptions extends HashingOptions, CorrectionOptions {
  /** Share of each class that validates where there is no validation folder. Default 0.2. */
  readonly validationFraction?: number | undefined;
  /** Of the split. Default 0. */
  readonly seed?: number | undefined;
}

export interface LabelledImages {
  readonly samples: Sample[];
  readonly skipped: SkippedFile[];
  /** What the corrections did, where some were given. */
  readonly corrections: AppliedCorrections | undefined;
}

/**
 * Scans a folder of images: `root/<class>/*`, which is split by content, or
 * `root/train/<class>/*` with `validation` and `test` folders. Files are read for their hashes at
 * most; none is decoded.
 *
 * @throws HeadstartError `DATA_LAYOUT`, `USAGE`, `CORRECTIONS_INVALID`
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
    corrections: parts.corrections,
    warnings: [...parts.warnings, ...dataset.warnings],
  };
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
 * @throws HeadstartError `DATA_LAYOUT`, also where a folder is none of the classes;
 *   `CORRECTIONS_INVALID`
 */
export async function scanLabelled(
  root: string,
  classes: readonly string[],
  options: HashingOptions & CorrectionOptions = {},
): Promise<LabelledImages> {
  const path = resolve(root);
  const corrections = await openCorrections(options);
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
  if (!corrections) return { samples: train, skipped: all, corrections: undefined };
  const corrected = applyCorrections({ classes, parts: [train] }, corrections);
  return { samples: corrected.parts[0] ?? [], skipped: all, corrections: corrected.applied };
}
