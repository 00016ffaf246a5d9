import { statfsSync } from 'node:fs';
import { HeadstartError, reasonOf, systemCode } from '../base/errors.ts';

const advice = {
  open: 'Choose a folder that can be written and has room, with --cache-dir.',
  read: 'Keep what is whole of it with `headstart cache repair`, or delete the folder.',
  write: 'Choose a folder that can be written and has room, with --cache-dir.',
} as const;

const fullBytes = 2 ** 20;

/** @param error what was thrown, or the reason as text */
export function cacheError(dir: string, verb: keyof typeof advice, error: unknown): HeadstartError {
  if (systemCode(error) === 'ENOTDIR') {
    return new HeadstartError(
      'CACHE_UNUSABLE',
      `The feature cache cannot be in ${dir}: it is a file, or its path leads through one. Choose a folder with --cache-dir.`,
      { cause: error },
    );
  }
  const reason = verb !== 'read' && isFull(dir) ? 'the disk is full' : reasonOf(error);
  return new HeadstartError(
    'CACHE_UNUSABLE',
    `Cannot ${verb} the feature cache ${dir}: ${reason}. ${advice[verb]}`,
    { cause: error },
  );
}

/** Whether it was the cache that failed. */
export function isUnusable(error: unknown): error is HeadstartError {
  return error instanceof HeadstartError && error.code === 'CACHE_UNUSABLE';
}

/** LMDB says of a full disk that input and output fail. */
function isFull(dir: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dir);
    return bavail * bsize < fullBytes;
  } catch {
    return false;
  }
}

export function cacheDamaged(dir: string, what: string): HeadstartError {
  return new HeadstartError(
    'CACHE_UNUSABLE',
    `The data file of the feature cache ${dir} is damaged (${what}). ${advice.read}`,
  );
}

export function noCache(dir: string): HeadstartError {
  return new HeadstartError('CACHE_UNUSABLE', `There is no feature cache in ${dir}.`);
}
