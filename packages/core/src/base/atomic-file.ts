import { access, constants, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HeadstartError, reasonOf } from './errors.ts';
import { makeFolders } from './folders.ts';
import { removeAbandoned, temporaryBeside } from './temporary-files.ts';

/** A file being written under a temporary name. */
export interface PendingFile {
  write(bytes: Uint8Array): Promise<void>;
}

/**
 * Writes a file whole or not at all: the bytes go to a temporary file beside it, are flushed to
 * disk, and take the name at the end. Missing parent folders are made. What a process that was killed
 * has left in the folder is removed.
 *
 * @throws HeadstartError `OUTPUT_UNWRITABLE`; what `fill` throws passes through unchanged.
 */
export async function writeFileAtomically(
  path: string,
  content: string | Uint8Array | ((file: PendingFile) => Promise<void>),
): Promise<void> {
  const folder = dirname(path);
  const temporary = temporaryBeside(path);
  const handle = await attempt(path, async () => {
    await makeFolders(folder);
    await removeAbandoned(folder);
    return open(temporary, 'wx');
  });
  try {
    const write = async (bytes: Uint8Array) => {
      await attempt(path, async () => {
        let offset = 0;
        while (offset < bytes.byteLength) {
          const { bytesWritten } = await handle.write(bytes, offset);
          offset += bytesWritten;
        }
      });
    };
    if (typeof content === 'function') await content({ write });
    else await write(typeof content === 'string' ? Buffer.from(content) : content);
    await attempt(path, async () => {
      await handle.sync();
      await handle.close();
      await rename(temporary, path);
    });
  } catch (error) {
    await handle.close().catch(() => {});
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

/**
 * Finds out before long work whether a file could be written at its end; makes its folder.
 *
 * @throws HeadstartError `OUTPUT_UNWRITABLE`
 * @example
 * ```ts
 * await checkWritable('runs/fruit/report.html');
 * ```
 */
export async function checkWritable(path: string): Promise<void> {
  const folder = dirname(path);
  await attempt(path, async () => {
    await makeFolders(folder);
    await access(folder, constants.W_OK);
    const found = await stat(path).catch(() => undefined);
    if (found?.isDirectory()) throw new Error('it is a folder');
  });
}

async function attempt<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw new HeadstartError(
      'OUTPUT_UNWRITABLE',
      `Cannot write ${path}: ${reasonOf(error)}. Choose a place that can be written.`,
      { cause: error },
    );
  }
}
