import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from './errors.ts';

/**
 * Makes a folder and those above it. (Node's own recursive `mkdir` never returns where a file system
 * answers ENOENT for good, as `/proc` does.)
 *
 * @returns the topmost folder that was made; undefined where all were there
 * @throws Error where a file is in the place of one; the file system's error
 */
export async function makeFolders(path: string): Promise<string | undefined> {
  try {
    return await makeOne(path);
  } catch (error) {
    const parent = dirname(path);
    if (systemCode(error) !== 'ENOENT' || parent === path) throw error;
    const first = await makeFolders(parent);
    const own = await makeOne(path);
    return first ?? own;
  }
}

async function makeOne(path: string): Promise<string | undefined> {
  try {
    await mkdir(path);
    return path;
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
    if ((await stat(path)).isDirectory()) return undefined;
    throw new Error(`${path} is a file`, { cause: error });
  }
}
