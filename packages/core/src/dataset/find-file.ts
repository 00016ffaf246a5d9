import { readdir } from 'node:fs/promises';
import { basename, dirname, resolve, sep } from 'node:path';
import { namesStandIn, reasonOf, systemCode } from '../base/errors.ts';
import { statRegularFile } from '../base/regular-file.ts';

/** Where a file is that a table names. */
export interface FilePlace {
  /** Absolute. */
  readonly path: string;
  /** Why it cannot be read. */
  readonly reason?: string | undefined;
}

/**
 * Looks for files by their paths relative to a folder. Each folder is read once: many names lie in
 * few folders, and looking for each of them takes ten times as long.
 */
export function fileFinder(root: string): (file: string) => Promise<FilePlace> {
  const folders = new Map<string, Promise<ReadonlySet<string> | undefined>>();
  const filesIn = (folder: string) => {
    const known = folders.get(folder) ?? regularFilesIn(folder);
    folders.set(folder, known);
    return known;
  };
  const reasonAgainst = async (path: string) => {
    const files = await filesIn(dirname(path));
    if (!files) return missing;
    // A link, a name in another form of Unicode or in other capitals: the file system knows.
    return files.has(basename(path)) ? undefined : reasonByStat(path);
  };
  return async (file) => {
    const path = resolve(root, file);
    const reason = await reasonAgainst(path);
    if (reason === undefined) return { path };
    if (sep === '/' && file.includes('\\')) {
      // Tables written on Windows part folders with backslashes.
      const other = resolve(root, file.replaceAll('\\', '/'));
      if ((await reasonAgainst(other)) === undefined) return { path: other };
    }
    return { path, reason };
  };
}

const missing = 'there is no such file';
const isMissing = (error: unknown) => ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '');

/** Undefined where there is no such folder; none where it may not be listed. */
async function regularFilesIn(folder: string): Promise<ReadonlySet<string> | undefined> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return new Set(entries.flatMap((entry) => (entry.isFile() ? [entry.name] : [])));
  } catch (error) {
    return isMissing(error) && !namesStandIn(error) ? undefined : new Set();
  }
}

async function reasonByStat(path: string): Promise<string | undefined> {
  try {
    await statRegularFile(path);
    return undefined;
  } catch (error) {
    return isMissing(error) && !namesStandIn(error) ? missing : reasonOf(error);
  }
}
