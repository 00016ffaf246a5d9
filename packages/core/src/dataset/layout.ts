import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HeadstartError, namesStandIn, reasonOf, systemCode } from '../base/errors.ts';
import type { OperationOptions } from '../base/operation.ts';
import { isHidden, isImageName } from './extensions.ts';
import type { ClassFolder, LabelledFolder, Layout } from './labelled.ts';
import { layoutError, list } from './layout-error.ts';
import { compareCodePoints } from './order.ts';
import { isNamed, type PartName, partNamed, partNames } from './part-names.ts';
import { imagesRoot, labelled, layoutOfTable, readTable } from './table.ts';
import type { TableOptions } from './table-columns.ts';
import { isTable } from './table-rows.ts';
import type { SkippedFile } from './types.ts';
import { findImages } from './walk.ts';

/**
 * Finds out how a data folder is laid out: `root/<class>/*`, or `root/train/<class>/*` with
 * folders for validation and test. A folder called `train` that holds images but no folders, with
 * no validation or test folder beside it, is a class. A table says where its images are.
 *
 * @throws HeadstartError `DATA_LAYOUT`; `USAGE` for columns of a table that are not there
 */
export async function findLayout(
  root: string,
  options: TableOptions & OperationOptions = {},
): Promise<Layout> {
  if (isTable(root)) return layoutOfTable(await readTable(root, options));
  const { signal } = options;
  const folders = await subfolders(root);
  const splits = {
    train: pickSplit(root, folders, 'train'),
    validation: pickSplit(root, folders, 'validation'),
    test: pickSplit(root, folders, 'test'),
  };
  if (splits.train === undefined) {
    if (folders.length > 0 && folders.every((name) => partNamed(name) !== undefined)) {
      throw layoutError(`${root} has ${list(folders)} but no train folder`, root);
    }
    await checkNotParts(root, folders);
    return { kind: 'flat', root, all: await readLabelled(root, signal) };
  }
  const hasParts =
    splits.validation !== undefined ||
    splits.test !== undefined ||
    (await subfolders(join(root, splits.train))).length > 0;
  if (!hasParts) return { kind: 'flat', root, all: await readLabelled(root, signal) };
  const others = folders.filter((name) => !Object.values(splits).includes(name));
  const open = (name: string | undefined) =>
    name === undefined ? undefined : readLabelled(join(root, name), signal);
  return {
    kind: 'split',
    root,
    train: await readLabelled(join(root, splits.train), signal),
    validation: await open(splits.validation),
    test: await open(splits.test),
    warnings: others.map((name) => `The folder ${name} beside ${splits.train} is not used.`),
  };
}

function pickSplit(root: string, folders: readonly string[], split: PartName): string | undefined {
  const { usual } = partNames[split];
  const exact = folders.filter((name) => (usual as readonly string[]).includes(name.toLowerCase()));
  const found = exact.length > 0 ? exact : folders.filter((name) => isNamed(name, split));
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

/** All images of a folder of class folders, or of a table whatever its rows say of parts. */
export async function findLabelled(
  root: string,
  options: TableOptions & OperationOptions,
): Promise<Layout & { readonly kind: 'flat' }> {
  if (!isTable(root)) {
    return { kind: 'flat', root, all: await readLabelled(root, options.signal) };
  }
  const { images, skipped, warnings } = await readTable(root, options);
  const all = labelled(root, images, skipped, warnings);
  return { kind: 'flat', root: imagesRoot(root, options), table: root, all };
}

/** The files of images in a folder, however it is laid out, or of a table. */
export async function listImages(
  root: string,
  options: TableOptions & OperationOptions,
): Promise<string[]> {
  if (isTable(root)) return (await readTable(root, options)).images.map(({ path }) => path);
  return (await findImages(root, options.signal)).images;
}

/** Reads a folder of class folders. */
async function readLabelled(path: string, signal?: AbortSignal): Promise<LabelledFolder> {
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
  if (code === 'ENOTDIR') {
    const what = 'is a file, not a folder or a table (.csv, .tsv, .jsonl)';
    return layoutError(`${path} ${what}`, path, error);
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return layoutError(`The folder ${path} may not be read`, path, error);
  }
  return layoutError(`The folder ${path} cannot be read (${reasonOf(error)})`, path, error);
}
