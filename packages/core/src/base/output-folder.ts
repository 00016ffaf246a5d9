import { access, constants, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HeadstartError, reasonOf } from './errors.ts';
import { makeFolders } from './folders.ts';

/** Makes a folder that can be written; the function given back removes it where it is still empty. */
export async function makeOutputFolder(folder: string): Promise<() => Promise<void>> {
  try {
    const first = await makeFolders(folder);
    await access(folder, constants.W_OK);
    return async () => {
      for (let path = folder; first !== undefined && path.startsWith(first); path = dirname(path)) {
        await rmdir(path).catch(() => {});
      }
    };
  } catch (error) {
    throw new HeadstartError(
      'OUTPUT_UNWRITABLE',
      `Cannot write to ${folder}: ${reasonOf(error)}. Choose another place with \`out\`.`,
      { cause: error, option: 'out' },
    );
  }
}
