import { defaultDirectories } from '../base/directories.ts';
import { HeadstartError } from '../base/errors.ts';
import { isHubName } from '../weights/index.ts';
import { type PulledBackbone, pullHubBackbone } from './hub-backbone.ts';
import { type PullOptions, pullVgg16 } from './pull.ts';

export interface PullWeightsOptions extends Omit<PullOptions, 'modelsDir' | 'mirror'> {
  /** Which backbone: `vgg16` (default), or `hf:ORG/NAME[@REVISION]`, of Hugging Face. */
  readonly name?: string | undefined;
  readonly modelsDir?: string | undefined;
  /** Of Hugging Face's: the ONNX file in the repository; default: `onnx/model.onnx`, `model.onnx`, or the only one. */
  readonly file?: string | undefined;
}

/**
 * Fetches a backbone's weights; `HEADSTART_MIRROR` replaces where those of VGG16 come from, `HF_ENDPOINT` the hub.
 *
 * @throws HeadstartError `USAGE` for another name, and all of pulling
 * @example
 * ```ts
 * const { path } = await pullWeights({ onProgress: ({ done }) => console.log(done) });
 * ```
 */
export async function pullWeights(options: PullWeightsOptions): Promise<PulledBackbone> {
  const { name = 'vgg16', modelsDir, file, ...rest } = options;
  if (isHubName(name)) {
    refuse(rest, ['from', 'preprocess'], `${name} comes from Hugging Face as it is`);
    return pullHubBackbone(name, { ...rest, file });
  }
  if (name !== 'vgg16') {
    throw new HeadstartError(
      'USAGE',
      `There is no backbone "${name}" to pull: there are vgg16 and hf:ORG/NAME, of Hugging Face.`,
    );
  }
  refuse({ file }, ['file'], 'vgg16 is one file');
  const folder = modelsDir ?? defaultDirectories().modelsDir;
  return pullVgg16({ ...rest, modelsDir: folder, mirror: process.env.HEADSTART_MIRROR });
}

function refuse<T extends object>(given: T, options: readonly (keyof T & string)[], why: string) {
  const option = options.find((name) => given[name] !== undefined);
  if (option === undefined) return;
  throw new HeadstartError('USAGE', `${why}: leave out \`${option}\`.`, { option });
}
