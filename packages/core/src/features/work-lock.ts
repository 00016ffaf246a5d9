import { open, readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { HeadstartError, systemCode } from '../errors.ts';

interface Holder {
  readonly pid: number;
  readonly host: string;
}

/**
 * Lets one process at a time make a cache's data anew. What a killed process left is taken over.
 *
 * @throws HeadstartError `CACHE_UNUSABLE` where another process is at it
 */
export async function lockForRemaking(dir: string): Promise<AsyncDisposable> {
  const path = join(dir, 'remaking.lock');
  for (;;) {
    try {
      await using file = await open(path, 'wx');
      await file.write(JSON.stringify({ pid: process.pid, host: hostname() } satisfies Holder));
      return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
    }
    const holder = await readHolder(path);
    if (holder && isAtWork(holder)) {
      throw new HeadstartError(
        'CACHE_UNUSABLE',
        `Process ${holder.pid} on ${holder.host} is making the cache ${dir} anew: wait for it, or, if it is not there any more, delete ${path}.`,
      );
    }
    await rm(path, { force: true });
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    const { pid, host } = JSON.parse(await readFile(path, 'utf8'));
    return Number.isInteger(pid) && typeof host === 'string' ? { pid, host } : undefined;
  } catch {
    return undefined;
  }
}

function isAtWork({ pid, host }: Holder): boolean {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}
