import { access, readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { HeadstartError, reasonOf, systemCode } from '../base/errors.ts';
import { nameOfData } from '../dataset/index.ts';
import { earlierRunFiles, runFiles } from './record.ts';

/** The state of a run in progress; gone when the run is complete. */
export const checkpointFile = 'checkpoint.safetensors';

export interface RunFolder {
  readonly folder: string;
  /** An interrupted run stands there. */
  readonly interrupted: boolean;
}

/** How a run gets into a folder that holds one. */
export interface RunFolderOptions {
  readonly out?: string | undefined;
  /** Go on with the interrupted run there. */
  readonly resume?: boolean | undefined;
  /** Replace the finished run there. */
  readonly overwrite?: boolean | undefined;
}

/**
 * Decides where a run goes.
 *
 * A folder that the user names is used where it holds nothing else than a run, and a finished one
 * only where it may be replaced. Otherwise it is
 * `runs/<name of the data>`, then `…-2`, `…-3`: the first that holds no finished run, so that the
 * same command finds the run that was interrupted.
 *
 * @throws HeadstartError `USAGE` where `out` cannot be a run folder, and where there is nothing to resume
 */
export async function chooseRunFolder(
  source: string,
  { out, resume, overwrite }: RunFolderOptions,
): Promise<RunFolder> {
  const place = await placeOf(source, out);
  if (resume && !place.interrupted) {
    throw new HeadstartError('USAGE', `There is no interrupted run in ${place.folder} to resume.`);
  }
  // What was interrupted there had been allowed to replace the run.
  if (overwrite || resume || !(await exists(join(place.folder, runFiles.record)))) return place;
  throw new HeadstartError(
    'USAGE',
    `The folder ${out} given as \`out\` holds a finished run: give another one, or \`overwrite\` to replace the run when the new one is complete.`,
    { option: 'out' },
  );
}

async function placeOf(source: string, out: string | undefined): Promise<RunFolder> {
  if (out !== undefined) {
    const folder = resolve(out);
    await refuseForeignFolder(folder, out);
    return { folder, interrupted: await isInterrupted(folder) };
  }
  const name = nameOfData(source, 'run');
  for (let i = 1; ; i++) {
    const folder = resolve('runs', i === 1 ? name : `${name}-${i}`);
    const taken = await exists(join(folder, runFiles.record));
    if (!taken) return { folder, interrupted: await isInterrupted(folder) };
  }
}

async function refuseForeignFolder(folder: string, out: string): Promise<void> {
  const found = await stat(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw new HeadstartError(
      'OUTPUT_UNWRITABLE',
      `Cannot write the run to ${out}: ${reasonOf(error)}. Choose another place with \`out\`.`,
      { cause: error, option: 'out' },
    );
  });
  if (!found) return;
  if (!found.isDirectory()) {
    throw new HeadstartError('USAGE', `${out} is a file: give a folder as \`out\`.`, {
      option: 'out',
    });
  }
  const ours = new Set<string>([...Object.values(runFiles), ...earlierRunFiles, checkpointFile]);
  const names = await readdir(folder);
  const strange = names.find((name) => !ours.has(name) && !name.startsWith('.'));
  if (strange !== undefined) {
    throw new HeadstartError(
      'USAGE',
      `The folder ${out} given as \`out\` holds other things (${strange}): give a new or empty folder.`,
      { option: 'out' },
    );
  }
}

async function isInterrupted(folder: string): Promise<boolean> {
  return exists(join(folder, checkpointFile));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
