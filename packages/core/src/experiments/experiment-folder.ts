import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { HeadstartError, reasonOf, systemCode } from '../base/errors.ts';
import { nameOfData } from '../dataset/index.ts';

/**
 * The folder that an experiment writes to: the one that was named, or `kind/<name of the data>`.
 *
 * @param ours names of files that such a folder may hold
 * @throws HeadstartError `USAGE` where it holds something else and none of these
 */
export async function chooseExperimentFolder(
  kind: string,
  source: string,
  out: string | undefined,
  ours: readonly string[],
): Promise<string> {
  const name = nameOfData(source, kind);
  const folder = resolve(out ?? resolve(kind, name));
  const names = await readdir(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return [];
    const what = systemCode(error) === 'ENOTDIR' ? 'it is a file' : reasonOf(error);
    throw new HeadstartError('USAGE', `Cannot write to ${folder}: ${what}. Give another \`out\`.`, {
      cause: error,
      option: 'out',
    });
  });
  const strange = names.find((one) => !ours.includes(one) && !one.startsWith('.'));
  if (strange === undefined || names.some((one) => ours.includes(one))) return folder;
  throw new HeadstartError(
    'USAGE',
    `The folder ${folder} holds other things (${strange}): give a new or empty folder as \`out\`.`,
    { option: 'out' },
  );
}
