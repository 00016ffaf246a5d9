import { access, constants, open, readlink, realpath, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HeadstartError, reasonOf, systemCode } from './errors.ts';
import { makeFolders } from './folders.ts';
import { statRegularFile } from './regular-file.ts';
import { removeAbandoned, temporaryBeside } from './temporary-files.ts';

/** A file being written under a temporary name. */
export interface PendingFile {
  write(bytes: Uint8Array): Promise<void>;
}

/**
 * Writes a file whole or not at all: the bytes go to a temporary file beside it, are flushed to
 * disk, and take the name at the end. Missing parent folders are made. What a process that was killed
 * has left in the folder is removed. A link stays, and what it leads to is written. What is not a
 * regular file is left as it is, and refused.
 *
 * @throws HeadstartError `OUTPUT_UNWRITABLE`; what `fill` throws passes through unchanged.
 */
export async function writeFileAtomically(
  path: string,
  content: string | Uint8Array | ((file: PendingFile) => Promise<void>),
): Promise<void> {
  const target = await attempt(path, () => replaceable(path));
  const folder = dirname(target);
  const temporary = temporaryBeside(target);
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
      await rename(temporary, target);
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
  await attempt(path, async () => {
    const folder = dirname(await replaceable(path));
    await makeFolders(folder);
    await access(folder, constants.W_OK);
  });
}

/**
 * The path of the file that a rename may replace: `path`, or what it leads to as a link.
 *
 * @throws Error where it is a folder, a pipe or a device, or a link to nothing
 */
async function replaceable(path: string): Promise<string> {
  try {
    await statRegularFile(path);
    return await realpath(path);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    const link = await readlink(path).catch(() => undefined);
    if (link !== undefined) throw new Error(`it is a link to ${link}, which is not there`);
    return path;
  }
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
