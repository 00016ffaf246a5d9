import { type Stats, statSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';

/**
 * Makes sure that a path is of a file before it is opened or replaced. A pipe is not opened: that would wait for
 * whoever writes to it, and nothing could end the wait.
 *
 * @throws Error with the bare reason, or the file system's error
 */
export async function statRegularFile(path: string): Promise<Stats> {
  const found = await stat(path);
  if (found.isDirectory()) throw new Error('it is a folder');
  if (!found.isFile()) throw new Error('it is not a regular file');
  return found;
}

/** @throws as {@link statRegularFile} */
export async function readRegularFile(path: string): Promise<Buffer> {
  await statRegularFile(path);
  return readFile(path);
}

/** Reads UTF-8. @throws as {@link statRegularFile} */
export async function readRegularText(path: string): Promise<string> {
  return (await readRegularFile(path)).toString('utf8');
}

/** False for what is not there, too. */
export function isRegularFileSync(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
