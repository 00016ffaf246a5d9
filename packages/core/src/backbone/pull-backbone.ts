import { defaultDirectories } from '../base/directories.ts';
import { HeadstartError } from '../base/errors.ts';
import type { BackboneFile } from './file.ts';
import { type PullOptions, pullVgg16 } from './pull.ts';

export interface PullWeightsOptions extends Omit<PullOptions, 'modelsDir' | 'mirror'> {
  /** Which backbone; there is `vgg16`. */
  readonly name?: string | undefined;
  readonly modelsDir?: string | undefined;
}

/**
 * Fetches a backbone's weights; `HEADSTART_MIRROR` replaces where they come from.
 *
 * @throws HeadstartError `USAGE` for another name, and all of pulling
 * @example
 * ```ts
 * const { path } = await pullWeights({ onProgress: ({ done }) => console.log(done) });
 * ```
 */
export async function pullWeights(options: PullWeightsOptions): Promise<BackboneFile> {
  const { name = 'vgg16', modelsDir = defaultDirectories().modelsDir, ...rest } = options;
  if (name !== 'vgg16') {
    throw new HeadstartError('USAGE', `There is no backbone "${name}" to pull: there is vgg16.`);
  }
  return pullVgg16({ ...rest, modelsDir, mirror: process.env.HEADSTART_MIRROR });
}
