import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import { isAbandoned, isTemporary, temporaryBeside } from '../base/temporary-files.ts';

const besideName = 'run';

/** Whether {@link writeTogether} is at work in a folder. */
export async function isBeingWritten(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  return names.some((name) => isTemporary(name, besideName) && !isAbandoned(name));
}

/**
 * Writes files of a folder so that they replace those of the same names together, by renaming, when
 * all of them are complete. Where it fails or is aborted, the folder is as it was.
 *
 * @param last the file whose presence means that the others are there
 * @param write writes the files into the folder that it is given
 */
export async function writeTogether<T>(
  folder: string,
  last: string,
  write: (beside: string) => Promise<T>,
): Promise<T> {
  const beside = temporaryBeside(join(folder, besideName));
  const attempt = async <R>(action: () => Promise<R>): Promise<R> => {
    try {
      return await action();
    } catch (error) {
      const text = `Cannot write ${folder}: ${reasonOf(error)}. Choose a place that can be written.`;
      throw new HeadstartError('OUTPUT_UNWRITABLE', text, { cause: error });
    }
  };
  try {
    await attempt(() => mkdir(beside, { recursive: true }));
    const result = await write(beside);
    await attempt(async () => {
      const others = (await readdir(beside)).filter((name) => name !== last);
      for (const name of [...others, last]) await rename(join(beside, name), join(folder, name));
    });
    return result;
  } finally {
    await rm(beside, { recursive: true, force: true }).catch(() => {});
  }
}
