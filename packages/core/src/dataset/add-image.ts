import { createHash } from 'node:crypto';
import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { writeFileAtomically } from '../base/atomic-file.ts';
import { HeadstartError } from '../base/errors.ts';
import { findLayout } from './layout.ts';
import { layoutError } from './layout-error.ts';
import { isTable } from './table-rows.ts';

export interface AddedImage {
  /** Absolute. */
  readonly path: string;
  /** SHA-256 of the bytes, in hexadecimal. */
  readonly hash: string;
  /** The same image had been added to this class before. */
  readonly existed: boolean;
}

/**
 * Adds an image file to a class of a data folder, as `added-<hash>.<extension>`: to the training
 * images where they have a folder of their own, else to all of them, which are split by content.
 *
 * @param extension of the file, without a dot
 * @throws HeadstartError `DATA_LAYOUT`, also for a class that has no folder; `OUTPUT_UNWRITABLE`
 */
export async function addImage(
  root: string,
  label: string,
  { bytes, extension }: { readonly bytes: Uint8Array; readonly extension: string },
): Promise<AddedImage> {
  if (isTable(root)) {
    throw new HeadstartError('USAGE', `The images are named in ${root}: add a row to it.`);
  }
  const layout = await findLayout(resolve(root));
  const { path: folder, classes } = layout.kind === 'flat' ? layout.all : layout.train;
  // Only a name that was read from the disk becomes a part of a path.
  const known = classes.find(({ name }) => name === label.normalize());
  if (known?.folder === undefined) throw layoutError(`${folder} has no class "${label}"`, root);
  const hash = createHash('sha256').update(bytes).digest('hex');
  const path = join(folder, known.folder, `added-${hash.slice(0, 16)}.${extension}`);
  const existed = await access(path).then(
    () => true,
    () => false,
  );
  if (!existed) await writeFileAtomically(path, bytes);
  return { path, hash, existed };
}
