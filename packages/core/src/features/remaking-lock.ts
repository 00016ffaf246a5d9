import { join } from 'node:path';
import { HeadstartError } from '../base/errors.ts';
import { describeHolder, lockForWork } from '../base/work-lock.ts';

/**
 * Lets one process at a time make a cache's data anew. What a killed process left is taken over.
 *
 * @throws HeadstartError `CACHE_UNUSABLE` where another process is at it
 */
export function lockForRemaking(dir: string): Promise<AsyncDisposable> {
  return lockForWork(
    join(dir, 'remaking.lock'),
    (holder, path) =>
      new HeadstartError(
        'CACHE_UNUSABLE',
        `${describeHolder(holder)} is making the cache ${dir} anew: wait for it, or, if it is not there any more, delete ${path}.`,
      ),
  );
}
