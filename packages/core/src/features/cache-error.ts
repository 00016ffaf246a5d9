import { HeadstartError, reasonOf, systemCode } from '../base/errors.ts';

const advice = {
  open: 'Choose a folder that can be written and has room, with `cacheDir`.',
  read: 'Repair the folder’s permissions or disk, or choose another folder with `cacheDir`.',
  write: 'Choose a folder that can be written and has room, with `cacheDir`.',
} as const;

/** @param error what was thrown, or the reason as text */
export function cacheError(dir: string, verb: keyof typeof advice, error: unknown): HeadstartError {
  if (systemCode(error) === 'ENOTDIR') {
    return new HeadstartError(
      'CACHE_UNUSABLE',
      `The feature cache cannot be in ${dir}: it is a file, or its path leads through one. Choose a folder with \`cacheDir\`.`,
      { cause: error, option: 'cacheDir' },
    );
  }
  const isFull = ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '');
  const reason = isFull ? 'the disk is full' : reasonOf(error);
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

export function noCache(dir: string): HeadstartError {
  return new HeadstartError('CACHE_UNUSABLE', `There is no feature cache in ${dir}.`);
}
