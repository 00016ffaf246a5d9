import { rm } from 'node:fs/promises';
import { writeFileAtomically } from '../base/atomic-file.ts';
import { temporaryBeside } from '../base/temporary-files.ts';
import { Backbone } from './backbone.ts';
import { describeFile } from './describe-file.ts';

/**
 * Puts a backbone's model in place only after it has run.
 *
 * @throws HeadstartError `BACKBONE_UNSUITABLE`, `OUTPUT_UNWRITABLE`; `signal.reason` where aborted
 */
export async function writeChecked(
  target: string,
  model: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  const trial = temporaryBeside(target);
  try {
    await writeFileAtomically(trial, model);
    const backbone = await Backbone.open(await describeFile(trial), { device: 'cpu', signal });
    await backbone.close();
    await writeFileAtomically(target, model);
  } finally {
    await rm(trial, { force: true });
  }
}
