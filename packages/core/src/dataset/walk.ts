import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { reasonOf } from '../base/errors.ts';
import { isHidden, reasonToSkip } from './extensions.ts';
import type { SkippedFile } from './types.ts';

export interface FoundFiles {
  /** Absolute paths of files that are images by their names. */
  readonly images: string[];
  readonly skipped: SkippedFile[];
}

/**
 * All images below a folder, as Keras finds them: nested folders are entered, links to folders
 * are not (so that a loop ends), links to files are read. In no particular order.
 *
 * @throws the file system's error where the folder itself cannot be read
 */
export async function findImages(folder: string, signal?: AbortSignal): Promise<FoundFiles> {
  const found: FoundFiles = { images: [], skipped: [] };
  const folders: string[] = [];
  const visit = async (entries: readonly Dirent[], parent: string) => {
    for (const entry of entries) {
      if (isHidden(entry.name)) continue;
      const path = `${parent}${sep}${entry.name}`;
      if (entry.isDirectory()) folders.push(path);
      else note(entry.isFile() ? undefined : await reasonByKind(entry, path), entry.name, path);
    }
  };
  const note = (reason: string | undefined, name: string, path: string) => {
    const why = reason ?? reasonToSkip(name);
    if (why === undefined) found.images.push(path);
    else found.skipped.push({ path, reason: why });
  };
  await visit(await readdir(folder, { withFileTypes: true }), join(folder, '.'));
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    signal?.throwIfAborted();
    try {
      await visit(await readdir(next, { withFileTypes: true }), next);
    } catch (error) {
      found.skipped.push({ path: next, reason: `the folder cannot be read (${reasonOf(error)})` });
    }
  }
  return found;
}

/** Of what is not a regular file. Only such are opened: opening a pipe would wait for ever. */
async function reasonByKind(entry: Dirent, path: string): Promise<string | undefined> {
  if (!entry.isSymbolicLink()) return 'it is not a regular file';
  try {
    const target = await stat(path);
    if (target.isDirectory()) return 'it is a link to a folder, and such links are not followed';
    return target.isFile() ? undefined : 'it is not a regular file';
  } catch (error) {
    return `it is a link that leads nowhere (${reasonOf(error)})`;
  }
}
