import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';

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
