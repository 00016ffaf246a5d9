import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { HeadstartError, isHidden, isPictureName, reasonOf } from '@headstart/core';

/** A file is complete when its size has not changed for so long, in ms. */
const quietMs = 400;

/**
 * Images that come into a folder or are written again there, each when it has been written
 * completely, in the order in which they are complete. Those that are there already are not named.
 * Ends where the signal aborts.
 *
 * @param onReady called when nothing that comes is missed any more
 * @throws HeadstartError `USAGE` where the folder cannot be watched
 */
export async function* newImagesIn(
  folder: string,
  signal: AbortSignal,
  onReady: () => void,
): AsyncGenerator<string> {
  const { watch } = await import('chokidar');
  const complete: string[] = [];
  let failure: unknown;
  let wake = () => {};
  const stop = () => wake();
  const watcher = watch(folder, {
    ignoreInitial: true,
    awaitWriteFinish: { stabilityThreshold: quietMs, pollInterval: 100 },
    ignored: (path, found) =>
      path !== folder && (isHidden(basename(path)) || (found?.isFile() && !isPictureName(path))),
  } as Parameters<typeof watch>[1]);
  const add = (path: string) => {
    complete.push(path);
    wake();
  };
  watcher.on('add', add).on('change', add).on('ready', onReady);
  watcher.on('error', (error) => {
    failure = error;
    wake();
  });
  signal.addEventListener('abort', stop, { once: true });
  try {
    while (!signal.aborted) {
      const next = complete.shift();
      if (next !== undefined) yield next;
      else if (failure) throw unwatchable(folder, failure);
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    signal.removeEventListener('abort', stop);
    await watcher.close();
  }
}

/** @throws HeadstartError `USAGE` where there is no such folder */
export async function checkFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch((error: unknown) => {
    throw unwatchable(folder, error);
  });
  if (!found.isDirectory()) {
    throw new HeadstartError('USAGE', `${folder} is a file: give --watch a folder.`);
  }
}

function unwatchable(folder: string, error: unknown): HeadstartError {
  const message = `Cannot watch the folder ${folder}: ${reasonOf(error)}.`;
  return new HeadstartError('USAGE', message, { cause: error });
}
