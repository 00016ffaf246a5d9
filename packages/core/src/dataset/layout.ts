import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HeadstartError, namesStandIn, reasonOf, systemCode } from '../base/errors.ts';
import { isHidden, isImageName } from './extensions.ts';
import { compareCodePoints } from './order.ts';
import type { SkippedFile } from './types.ts';
import { findImages } from './walk.ts';

/** A folder whose images are of one class. */
export interface ClassFolder {
  /** In the composed form of Unicode (NFC). */
  readonly name: string;
  /** The folder's name as it is on disk; of several in different forms the first. */
  readonly folder: string;
  /** Absolute paths of files that are images by their names. */
  readonly images: readonly string[];
}

/** A folder of class folders. */
export interface LabelledFolder {
  readonly path: string;
  /** Those with files in them that are images by their names, in code point order. */
  readonly classes: readonly ClassFolder[];
  readonly skipped: readonly SkippedFile[];
  readonly warnings: readonly string[];
}

/** What a data folder turns out to be. */
export type Layout =
  | { readonly kind: 'flat'; readonly all: LabelledFolder }
  | {
      readonly kind: 'split';
      readonly train: LabelledFolder;
      readonly validation: LabelledFolder | undefined;
      readonly test: LabelledFolder | undefined;
      readonly warnings: readonly string[];
    };

/** Names of the parts of a data set, the usual ones first: they win where several stand side by side. */
const splitNames = {
  train: { usual: ['train', 'training'], other: [] },
  validation: {
    usual: ['val', 'valid', 'validation'],
    other: ['dev', 'eval', 'evaluation', 'holdout'],
  },
  test: { usual: ['test'], other: ['testing'] },
} as const;

/** Words that data sets put around such a name: `training_set`, `seg_train`, `Train_Data`. */
const fillers = new Set(['set', 'data', 'dataset', 'images', 'seg', 'split']);

type SplitName = keyof typeof splitNames;

function isSplit(name: string): boolean {
  return Object.values(splitNames).some((names) => isNamed(name, [...names.usual, ...names.other]));
}

function isNamed(folder: string, names: readonly string[]): boolean {
  const words = folder.toLowerCase().split(/[\s_.-]+/);
  return names.includes(words.filter((word) => !fillers.has(word)).join(''));
}

/**
 * Finds out how a data folder is laid out: `root/<class>/*`, or `root/train/<class>/*` with
 * folders for validation and test. A folder called `train` that holds images but no folders, with
 * no validation or test folder beside it, is a class.
 *
 * @throws HeadstartError `DATA_LAYOUT`
 */
export async function findLayout(root: string, signal?: AbortSignal): Promise<Layout> {
  const folders = await subfolders(root);
  const splits = {
    train: pickSplit(root, folders, 'train'),
    validation: pickSplit(root, folders, 'validation'),
    test: pickSplit(root, folders, 'test'),
  };
  if (splits.train === undefined) {
    if (folders.length > 0 && folders.every(isSplit)) {
      throw layoutError(`${root} has ${list(folders)} but no train folder`, root);
    }
    await checkNotParts(root, folders);
    return { kind: 'flat', all: await readLabelled(root, signal) };
  }
  const hasParts =
    splits.validation !== undefined ||
    splits.test !== undefined ||
    (await subfolders(join(root, splits.train))).length > 0;
  if (!hasParts) return { kind: 'flat', all: await readLabelled(root, signal) };
  const others = folders.filter((name) => !Object.values(splits).includes(name));
  const open = (name: string | undefined) =>
    name === undefined ? undefined : readLabelled(join(root, name), signal);
  return {
    kind: 'split',
    train: await readLabelled(join(root, splits.train), signal),
    validation: await open(splits.validation),
    test: await open(splits.test),
    warnings: others.map((name) => `The folder ${name} beside ${splits.train} is not used.`),
  };
}

function pickSplit(root: string, folders: readonly string[], split: SplitName): string | undefined {
  const { usual, other } = splitNames[split];
  const exact = folders.filter((name) => (usual as readonly string[]).includes(name.toLowerCase()));
  const found =
    exact.length > 0 ? exact : folders.filter((name) => isNamed(name, [...usual, ...other]));
  if (found.length > 1) {
    throw layoutError(`${root} has ${list(found)}, which mean the same: keep one`, root);
  }
  return found[0];
}

/**
 * Refuses folders that all hold the same folders: they may be parts of the data, of which each holds
 * all classes.
 */
async function checkNotParts(root: string, folders: readonly string[]): Promise<void> {
  if (folders.length < 2) return;
  const inside = await Promise.all(folders.map((name) => subfolders(join(root, name))));
  const [first = []] = inside;
  const same = inside.every((names) => names.join('/') === first.join('/'));
  if (first.length < 2 || !same) return;
  throw new HeadstartError(
    'DATA_LAYOUT',
    `${root} has ${list(folders)}, which all hold the same folders ${list(first)}: if those are the classes, rename ${list(folders)} to train, validation or test. If ${list(folders)} are the classes, move their images out of the folders inside.`,
  );
}

/** Reads a folder of class folders. */
export async function readLabelled(path: string, signal?: AbortSignal): Promise<LabelledFolder> {
  const classes: ClassFolder[] = [];
  const skipped: SkippedFile[] = [];
  const warnings: string[] = [];
  for (const [name, folders] of byClass(await subfolders(path))) {
    const found: string[][] = [];
    for (const folder of folders) {
      const { images, skipped: left } = await imagesIn(join(path, folder), signal);
      for (const one of left) skipped.push(one);
      if (images.length > 0) found.push(images);
      else warnings.push(`The folder ${join(path, folder)} holds no images: it is not a class.`);
    }
    if (found.length > 0) classes.push({ name, folder: folders[0], images: found.flat() });
    if (found.length > 1) {
      const all = folders.map((folder) => join(path, folder)).join(' and ');
      warnings.push(`${all} are one class: their names are the same in different Unicode forms.`);
    }
  }
  for (const entry of await entriesOf(path)) {
    if (entry.isDirectory() || isHidden(entry.name) || !isImageName(entry.name)) continue;
    const reason = 'it lies beside the class folders, so it has no class';
    skipped.push({ path: join(path, entry.name), reason });
  }
  return { path, classes, skipped, warnings };
}

type Names = [string, ...string[]];

/**
 * Folders by the class that they mean. A name with accents has several forms in Unicode, which look
 * the same; a copy from macOS may have another one than its original.
 */
function byClass(folders: readonly string[]): [string, Names][] {
  const classes = new Map<string, Names>();
  for (const folder of folders) {
    const name = folder.normalize();
    const known = classes.get(name);
    if (known) known.push(folder);
    else classes.set(name, [folder]);
  }
  return [...classes].sort(([a], [b]) => compareCodePoints(a, b));
}

async function imagesIn(folder: string, signal: AbortSignal | undefined) {
  signal?.throwIfAborted();
  try {
    return await findImages(folder, signal);
  } catch (error) {
    signal?.throwIfAborted();
    throw unreadable(folder, error);
  }
}

/** Names of the folders in a folder, and of links to folders, in code point order. */
async function subfolders(path: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await entriesOf(path)) {
    if (isHidden(entry.name)) continue;
    if (entry.isDirectory() || (entry.isSymbolicLink() && (await leadsToFolder(path, entry)))) {
      names.push(entry.name);
    }
  }
  return names.sort(compareCodePoints);
}

async function leadsToFolder(parent: string, entry: Dirent): Promise<boolean> {
  try {
    return (await stat(join(parent, entry.name))).isDirectory();
  } catch {
    return false;
  }
}

async function entriesOf(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): HeadstartError {
  const code = systemCode(error);
  if (code === 'ENOENT' && !namesStandIn(error))
    return layoutError(`There is no folder ${path}`, path, error);
  if (code === 'ENOTDIR') return layoutError(`${path} is a file, not a folder`, path, error);
  if (code === 'EACCES' || code === 'EPERM') {
    return layoutError(`The folder ${path} may not be read`, path, error);
  }
  return layoutError(`The folder ${path} cannot be read (${reasonOf(error)})`, path, error);
}

/** One sentence: what was found, and what is expected. */
export function layoutError(found: string, root: string, cause?: unknown): HeadstartError {
  return new HeadstartError(
    'DATA_LAYOUT',
    `${found}: expected ${join(root, '<class>')}/… with one folder of images for each of at least two classes, or these folders in train/ with validation/ or test/ beside it.`,
    { cause },
  );
}

export function list(names: readonly string[]): string {
  const shown = names.slice(0, 8).join(', ');
  return names.length > 8 ? `${shown} and ${names.length - 8} more` : shown;
}
