import { createHash } from 'node:crypto';
import { access, readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { writeFileAtomically } from '../base/atomic-file.ts';
import { HeadstartError } from '../base/errors.ts';
import {
  adaptModel,
  type BackboneVariant,
  checkVariant,
  decodeModel,
  describeModel,
  isCanonical,
  type ModelDescription,
  readOutline,
  variantOf,
  vgg16FeatureLayer,
  vgg16ImageSize,
} from '../onnx/index.ts';
import { describeFile, readBackbone } from './describe-file.ts';
import type { BackboneFile, LocateOptions } from './file.ts';
import { buildUntrained } from './untrained.ts';

/** The file that `pull` writes. */
export function vgg16Path(modelsDir: string): string {
  return join(modelsDir, 'vgg16.onnx');
}

/**
 * Finds a backbone and gives a file in the form of our own (`image` uint8 NHWC in, `features` NHWC
 * out, preprocessing inside):
 * - `vgg16`, as `pull` wrote it;
 * - `vgg16-untrained`, built where it is not there yet (a few seconds);
 * - any ONNX file that fits; one of another form is adapted into `modelsDir`, once.
 *
 * @throws HeadstartError `WEIGHTS_MISSING`, `BACKBONE_UNSUITABLE`, `USAGE`, `OUTPUT_UNWRITABLE`
 */
export async function locateBackbone(spec: string, options: LocateOptions): Promise<BackboneFile> {
  checkVariant(options);
  switch (spec) {
    case 'vgg16':
      return locateVgg16(options);
    case 'vgg16-untrained':
      return locateUntrained(options);
    default:
      return locateFile(spec, options);
  }
}

async function locateVgg16({ modelsDir, ...variant }: LocateOptions): Promise<BackboneFile> {
  const path = vgg16Path(modelsDir);
  if (!(await exists(path))) {
    throw new HeadstartError(
      'WEIGHTS_MISSING',
      `The weights of VGG16 are not in ${modelsDir}: fetch them with \`headstart pull\`, or give --backbone vgg16-untrained or FILE.onnx.`,
    );
  }
  const file = await describeFile(path);
  const changes = changesOf(variant, { ...file, imageSize: vgg16ImageSize });
  if (!changes) return file;
  const bytes = variantOf(await readFile(path), path, changes);
  return writeOnce(join(modelsDir, `vgg16-${suffixOf(changes)}.onnx`), bytes);
}

/** Variants of VGG16 that were made of the file that `pull` wrote. */
export async function vgg16Variants(modelsDir: string): Promise<string[]> {
  const names = await readdir(modelsDir).catch(() => []);
  const isVariant = (name: string) =>
    /^vgg16-.*\.onnx$/.test(name) && !name.startsWith('vgg16-untrained');
  return names.filter(isVariant).map((name) => join(modelsDir, name));
}

/** Another size is a variant of a built file, another layer is built: it has its own statistics. */
async function locateUntrained(options: LocateOptions): Promise<BackboneFile> {
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
  return writeOnce(join(modelsDir, `${name}-${imageSize}.onnx`), resized);
}

/** What is to differ from a VGG16 of ours; undefined where nothing is. */
function changesOf(
  { preprocessing, layer, imageSize }: BackboneVariant,
  made: Pick<BackboneFile, 'preprocessing' | 'layer'> & { readonly imageSize: number },
): BackboneVariant | undefined {
  const changes = {
    preprocessing: preprocessing === made.preprocessing ? undefined : preprocessing,
    layer: layer === made.layer ? undefined : layer,
    imageSize: imageSize === made.imageSize ? undefined : imageSize,
  };
  return Object.values(changes).some((value) => value !== undefined) ? changes : undefined;
}

/** For the file's name: `rescale-block4_pool-192`. */
function suffixOf({ preprocessing, layer, imageSize }: BackboneVariant): string {
  return [preprocessing, layer, imageSize].filter((part) => part !== undefined).join('-');
}

async function locateFile(path: string, options: LocateOptions): Promise<BackboneFile> {
  const { modelsDir, preprocessing, layer, imageSize } = options;
  const description = describeModel(await readOutline(path), path);
  const name = basename(path).replace(/\.onnx$/i, '');
  const derived = (kind: string, bytes: Uint8Array, made: Uint8Array) =>
    writeOnce(derivedPath(modelsDir, name, bytes, kind), made, name);
  if (description.metadata['headstart.format'] !== undefined) {
    const file = await describeFile(path, name);
    const changes = changesOf(options, { ...file, imageSize: description.input.height });
    if (!changes) return file;
    const bytes = await readBackbone(path);
    return derived(suffixOf(changes), bytes, variantOf(bytes, path, changes));
  }
  if (layer !== undefined) {
    throw new HeadstartError(
      'USAGE',
      `${path} is no VGG16 of Headstart’s: leave out --layer, and save the model up to the layer instead.`,
    );
  }
  const sized = withImageSize(description, imageSize, path);
  if (description.input.dtype === 'uint8' && preprocessing !== undefined) {
    throw new HeadstartError(
      'USAGE',
      `${path} takes uint8 pixels and has its preprocessing inside: leave out --preprocess.`,
    );
  }
  const { height, width } = description.input;
  const resized = sized.height !== height || sized.width !== width;
  if (isCanonical(description) && !resized) return describeFile(path, name);
  const suffix = [preprocessing ?? 'own', ...(resized ? [sized.height] : [])].join('-');
  const bytes = await readBackbone(path);
  const adapted = adaptModel(decodeModel(bytes, path), path, { preprocessing, size: sized });
  return derived(suffix, bytes, adapted);
}

/** The size of images of a model that says none, or that has just this one. */
function withImageSize(
  { input }: ModelDescription,
  size: number | undefined,
  path: string,
): { readonly height: number; readonly width: number } {
  const { height, width, anySize } = input;
  if (size === undefined || (height === size && width === size)) return { height, width };
  if (anySize) return { height: size, width: size };
  throw new HeadstartError(
    'USAGE',
    `${path} takes images of ${height}x${width} pixels and no others: leave out --image-size.`,
  );
}

function derivedPath(modelsDir: string, name: string, bytes: Uint8Array, kind: string): string {
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  return join(modelsDir, 'adapted', `${name}-${digest}-${kind}.onnx`);
}

/** Writes a derived file where it is not there, or is another one. */
async function writeOnce(path: string, bytes: Uint8Array, name?: string): Promise<BackboneFile> {
  const present = await readFile(path).catch(() => undefined);
  if (!present?.equals(bytes)) await writeFileAtomically(path, bytes);
  return describeFile(path, name);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
