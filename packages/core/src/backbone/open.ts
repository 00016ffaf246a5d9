import { defaultDirectories } from '../base/directories.ts';
import { Backbone } from './backbone.ts';
import type { LocateOptions } from './file.ts';
import { locateBackbone } from './locate.ts';
import type { OpenBackboneOptions } from './session.ts';

export interface OpenBackboneByNameOptions
  extends OpenBackboneOptions,
    Omit<LocateOptions, 'modelsDir'> {
  /** Where pulled and built backbones are; default: that of `defaultDirectories`. */
  readonly modelsDir?: string | undefined;
}

/**
 * Opens a backbone on the chosen device: `vgg16`, `vgg16-untrained`, or an ONNX file.
 *
 * @throws HeadstartError `WEIGHTS_MISSING`, `BACKBONE_UNSUITABLE`, `GPU_REQUIRED`, `USAGE`
 * @example
 * ```ts
 * await using backbone = await openBackbone('vgg16');
 * console.log(backbone.info.featureShape);
 * ```
 */
export async function openBackbone(
  name: string,
  options: OpenBackboneByNameOptions = {},
): Promise<Backbone> {
  const { modelsDir = defaultDirectories().modelsDir } = options;
  return Backbone.open(await locateBackbone(name, { ...options, modelsDir }), options);
}
