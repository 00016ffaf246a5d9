import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HeadstartError } from '../base/errors.ts';
import {
  changesOf,
  suffixOf,
  variantOf,
  vgg16FeatureLayer,
  vgg16ImageSize,
} from '../onnx/index.ts';
import { isHubName } from '../weights/index.ts';
import { describeFile } from './describe-file.ts';
import type { BackboneFile, LocateOptions } from './file.ts';
import { locateHub } from './hub-backbone.ts';
import { placeModel } from './place-model.ts';
import { buildUntrained } from './untrained.ts';
import { locateUserFile, type Vgg16Options, vgg16Options } from './user-file.ts';

/** The file that `pull` writes. */
export function vgg16Path(modelsDir: string): string {
  return join(modelsDir, 'vgg16.onnx');
}

/**
 * Finds a backbone and gives a file in the form of our own (`image` uint8 NHWC in, `features` NHWC
 * out, preprocessing inside):
 * - `vgg16`, as `pull` wrote it;
 * - `vgg16-untrained`, built where it is not there yet (a few seconds);
 * - `hf:ORG/NAME[@REVISION]`, of Hugging Face, fetched where it is not here;
 * - any ONNX file that fits; one of another form is adapted into `modelsDir`, once.
 *
 * @throws HeadstartError `WEIGHTS_MISSING`, `BACKBONE_UNSUITABLE`, `USAGE`, `OUTPUT_UNWRITABLE`
 */
export async function locateBackbone(spec: string, options: LocateOptions): Promise<BackboneFile> {
  switch (spec) {
    case 'vgg16':
      return locateVgg16(vgg16Options(spec, options));
    case 'vgg16-untrained':
      return locateUntrained(vgg16Options(spec, options));
    default:
      return isHubName(spec) ? locateHub(spec, options) : locateUserFile(spec, options);
  }
}

async function locateVgg16({ modelsDir, ...variant }: Vgg16Options): Promise<BackboneFile> {
  const path = vgg16Path(modelsDir);
  if (!(await exists(path))) {
    throw new HeadstartError(
      'WEIGHTS_MISSING',
      `The weights of VGG16 are not in ${modelsDir}: fetch them with \`pullWeights()\`, or give \`backbone\` vgg16-untrained or FILE.onnx.`,
      { option: 'backbone' },
    );
  }
  const file = await describeFile(path);
  const changes = changesOf(variant, { ...file, imageSize: vgg16ImageSize });
  if (!changes) return file;
  const bytes = variantOf(await readFile(path), path, changes);
  return placeModel(join(modelsDir, `vgg16-${suffixOf(changes)}.onnx`), bytes);
}

/** Variants of VGG16 that were made of the file that `pull` wrote. */
export async function vgg16Variants(modelsDir: string): Promise<string[]> {
  const names = await readdir(modelsDir).catch(() => []);
  const isVariant = (name: string) =>
    /^vgg16-.*\.onnx$/.test(name) && !name.startsWith('vgg16-untrained');
  return names.filter(isVariant).map((name) => join(modelsDir, name));
}

/** Another size is a variant of a built file, another layer is built: it has its own statistics. */
async function locateUntrained(options: Vgg16Options): Promise<BackboneFile> {
  const { modelsDir, preprocessing = 'torch', layer = vgg16FeatureLayer, imageSize } = options;
  const made = {
    preprocessing: 'torch',
    layer: vgg16FeatureLayer,
    imageSize: vgg16ImageSize,
  };
  const own = changesOf({ preprocessing, layer }, made);
  const name = own ? `vgg16-untrained-${suffixOf(own)}` : 'vgg16-untrained';
  const path = join(modelsDir, `${name}.onnx`);
  const file = (await exists(path))
    ? await describeFile(path)
    : await buildUntrained(path, preprocessing, options);
  if (imageSize === undefined || imageSize === vgg16ImageSize) return file;
  const resized = variantOf(await readFile(path), path, { imageSize });
  return placeModel(join(modelsDir, `${name}-${imageSize}.onnx`), resized);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
