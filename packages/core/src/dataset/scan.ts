import { resolve } from 'node:path';
import { HeadstartError } from '../base/errors.ts';
import { pickOptions, seedOption, splitOptions, tableOptions } from '../options/index.ts';
import { applyCorrections } from './apply-corrections.ts';
import { type CorrectionOptions, openCorrections } from './corrections.ts';
import type { HashingOptions } from './hash.ts';
import type { Layout } from './labelled.ts';
import { findLabelled, findLayout } from './layout.ts';
import { list } from './layout-error.ts';
import { compareCodePoints } from './order.ts';
import { hashParts, leftOut, readParts } from './parts.ts';
import { checkedSplit, checkSplitOfLayout, type SplitSettings, splitParts } from './split-parts.ts';
import type { TableOptions } from './table-columns.ts';
import type { AppliedCorrections, Dataset, Sample, SkippedFile } from './types.ts';

/** What every scan of a folder or table takes, but for what hashes the files and reports progress. */
export interface DataOptions extends SplitSettings, CorrectionOptions, TableOptions {}

export interface ScanOptions extends HashingOptions, DataOptions {}

const scanNames = [
  ...Object.keys({ ...splitOptions, ...seedOption, ...tableOptions }),
  ...['corrections', 'hashFiles', 'signal', 'onProgress'],
];

/** The part of some options that concerns the scan of a folder. */
export function scanOptionsOf(options: ScanOptions): ScanOptions {
  return pickOptions(options, scanNames);
}

export interface LabelledImages {
  readonly samples: Sample[];
  readonly skipped: SkippedFile[];
  /** What the corrections did, where some were given. */
  readonly corrections: AppliedCorrections | undefined;
}

/**
 * Scans images: a folder `root/<class>/*`, which is split by content, or
 * `root/train/<class>/*` with `validation` and `test` folders; or a table (.csv, .tsv, .jsonl). Files are read for their hashes at
 * most; none is decoded.
 *
 * @throws HeadstartError `DATA_LAYOUT`, `USAGE`, `CORRECTIONS_INVALID`
 * @example
 * ```ts
 * const { classes, train: samples, validation } = await scanDataset('fruit');
 * ```
 */
export async function scanDataset(root: string, options: ScanOptions = {}): Promise<Dataset> {
  // Refused before the folder is listed.
  checkedSplit(options);
  return scanLayout(root, await findLayout(resolve(root), options), options);
}

/**
 * The same of what {@link findLayout} has found.
 *
 * @param root as the user named it
 */
export async function scanLayout(
  root: string,
  layout: Layout,
  options: ScanOptions,
): Promise<Dataset> {
  const split = checkedSplit(options);
  checkSplitOfLayout(split, layout, root);
  const parts = await readParts(layout, options);
  const dataset = splitParts(parts, split);
  return {
    ...dataset,
    root: layout.root,
    classes: parts.classes,
    layout: layout.kind,
    skipped: parts.skipped,
    corrections: parts.corrections,
    warnings: [...parts.warnings, ...dataset.warnings],
  };
}

/**
 * The images of any labelled folder, `root/<class>/*`, or of a table, with labels after a given list of classes.
 *
 * @param found what `findLayout` has found there, where it was asked before
 * @throws HeadstartError `DATA_LAYOUT`, also where a folder is none of the classes;
 *   `CORRECTIONS_INVALID`
 */
export async function scanLabelled(
  root: string,
  classes: readonly string[],
  options: HashingOptions & CorrectionOptions & TableOptions = {},
  found?: Layout & { readonly kind: 'flat' },
): Promise<LabelledImages> {
  const path = resolve(root);
  const known = classes.map((name) => name.normalize());
  const corrections = await openCorrections(options);
  const places = found ?? (await findLabelled(path, options));
  const folder = places.all;
  if (folder.classes.length === 0) {
    throw new HeadstartError(
      'DATA_LAYOUT',
      `${path} has no class folders with images${leftOut(folder.skipped)}: expected folders named after the classes ${list(classes)}.`,
    );
  }
  const unknown = folder.classes.map(({ name }) => name).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new HeadstartError(
      'DATA_LAYOUT',
      `${path} has ${places.table === undefined ? 'folders' : 'labels'} that are not classes here: ${list(unknown)} (the classes are ${list(classes)}).`,
    );
  }
  const parts = { train: [...folder.classes], validation: undefined, test: undefined };
  const { train, skipped } = await hashParts(places, known, parts, options);
  const all = [...folder.skipped, ...skipped].sort((a, b) => compareCodePoints(a.path, b.path));
  if (!corrections) return { samples: train, skipped: all, corrections: undefined };
  const { others, applied } = applyCorrections({ classes: known, others: [train] }, corrections);
  return { samples: others[0] ?? [], skipped: all, corrections: applied };
}
