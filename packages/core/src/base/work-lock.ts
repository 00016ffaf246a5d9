import { randomBytes } from 'node:crypto';
import { link, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { type HeadstartError, systemCode } from './errors.ts';
import { readRegularText } from './regular-file.ts';

/** Who works on what a lock is of. */
export interface LockHolder {
  readonly pid: number;
  readonly host: string;
}

interface Holder extends LockHolder {
  /** Tells this lock from the next one of the same process. */
  readonly token: string;
}

/** What a lock file without a holder's name is given to get one, where it cannot be made at once. */
const fillingMs = 10_000;

/** What is thrown where somebody else is at it; undefined where the lock names nobody. */
export type Busy = (holder: LockHolder | undefined, path: string) => HeadstartError;

/**
 * Makes the file `path`, which marks that this process is at work; dispose of it at the end. What a
 * killed process left is taken over; on another machine that cannot be checked, and it stays.
 */
export async function lockForWork(path: string, busy: Busy): Promise<AsyncDisposable> {
  const own: Holder = { pid: process.pid, host: hostname(), token: newToken() };
  for (;;) {
    if (await create(path, own)) {
      return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
    }
    const holder = await readHolder(path);
    if (holder === 'none') continue;
    if (await isAtWork(holder, path)) throw busy(holder, path);
    await removeStale(path, holder, busy);
  }
}

/**
 * The lock file is there with its holder's name, or not at all: nobody finds it empty. File systems
 * without links take it in two steps.
 */
async function create(path: string, holder: Holder): Promise<boolean> {
  const temporary = `${path}.${holder.token}.tmp`;
  const text = JSON.stringify(holder);
  try {
    await writeFile(temporary, text);
    await link(temporary, path).catch((error: unknown) => {
      if (systemCode(error) === 'EEXIST') throw error;
      return writeFile(path, text, { flag: 'wx' });
    });
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * Of several processes that find a dead one's lock, one removes it: the one that has the lock for that, and still
 * finds it there. A second one might remove its successor.
 */
async function removeStale(path: string, found: Holder | undefined, busy: Busy): Promise<void> {
  const token = found?.token ?? 'nobody';
  await using _ = await lockForWork(`${path}.${token}`, busy);
  const holder = await readHolder(path);
  if (holder !== 'none' && holder?.token === found?.token) await rm(path, { force: true });
}

/** Undefined where the file names no process. */
async function readHolder(path: string): Promise<Holder | undefined | 'none'> {
  try {
    const { pid, host, token } = JSON.parse(await readRegularText(path));
    const known = Number.isInteger(pid) && typeof host === 'string' && /^\w+$/.test(`${token}`);
    return known ? { pid, host, token: `${token}` } : undefined;
  } catch (error) {
    return systemCode(error) === 'ENOENT' ? 'none' : undefined;
  }
}

async function isAtWork(holder: Holder | undefined, path: string): Promise<boolean> {
  if (!holder) {
    const age = Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? 0);
    return Math.abs(age) < fillingMs;
  }
  if (holder.host !== hostname()) return true;
  try {
    process.kill(holder.pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

/** The holder as the subject of a sentence. */
export function describeHolder(holder: LockHolder | undefined): string {
  return holder ? `Process ${holder.pid} on ${holder.host}` : 'Another process';
}

function newToken(): string {
  return randomBytes(6).toString('hex');
}
