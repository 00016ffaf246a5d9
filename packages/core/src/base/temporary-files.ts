import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

/**
 * The name of a temporary file beside `path`. It names the process and the machine that have it, so that
 * {@link removeAbandoned} can find out when it is no longer needed.
 */
export function temporaryBeside(path: string): string {
  const owner = `${machine()}-${process.pid}-${randomBytes(6).toString('hex')}`;
  return join(dirname(path), `.${basename(path)}.headstart-${owner}.tmp`);
}

const pattern = /\.headstart-([0-9a-f]{8})-(\d+)-[0-9a-f]{12}\.tmp$/;

/**
 * Removes temporary files and folders in a folder whose process has ended without doing so: it was
 * killed, or the machine went down. Those of other machines stay, as the folder may be shared. What
 * cannot be read or removed is left.
 */
export async function removeAbandoned(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter(isAbandoned)) {
    await rm(join(folder, name), { recursive: true, force: true }).catch(() => {});
  }
}

/** Whether a name is that of a temporary file of this machine whose process has ended. */
export function isAbandoned(name: string): boolean {
  const [, owner, pid] = pattern.exec(name) ?? [];
  return owner === machine() && !isRunning(Number(pid));
}

/** Whether a name is that of a temporary file of something called `original`. */
export function isTemporary(name: string, original: string): boolean {
  return pattern.test(name) && name.startsWith(`.${original}.headstart-`);
}

/** A folder that is gone when it is disposed of. */
export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
}

/** Makes a folder in the system's for temporary files; removes those of processes that were killed. */
export async function makeTemporaryFolder(name: string): Promise<TemporaryFolder> {
  await removeAbandoned(tmpdir());
  const path = temporaryBeside(join(tmpdir(), name));
  await mkdir(path, { mode: 0o700 });
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const machine = () => createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's, if it may not be signalled.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
