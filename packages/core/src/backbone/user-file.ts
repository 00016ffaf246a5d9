import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { HeadstartError } from '../base/errors.ts';
import {
  type AdaptOptions,
  adaptModel,
  type BackboneVariant,
  changesOf,
  checkVariant,
  chosenPart,
  decodeModel,
  describeModel,
  encodeModel,
  hasExternalData,
  inputPreprocessings,
  isCanonical,
  largestImageSize,
  type Model,
  type ModelDescription,
  modelMetadata,
  namedPreprocessing,
  type OutputChoice,
  type PixelPreprocessing,
  readOutline,
  suffixOf,
  takeExternalData,
  variantOf,
} from '../onnx/index.ts';
import { describeFile, readBackbone } from './describe-file.ts';
import type { BackboneFile, ImageSettings, LocateOptions } from './file.ts';
import type { Size } from './maker-json.ts';
import { type MakerSettings, makerSettingsBeside, readMakerSettings } from './maker-settings.ts';
import { placeChecked, placeModel } from './place-model.ts';

/**
 * An ONNX file that the user names, in the form of our own: as it is where it has that form, else adapted
 * into `modelsDir`, once. Weights in other files beside it are taken along.
 *
 * @throws HeadstartError `BACKBONE_UNSUITABLE`, `USAGE`, `OUTPUT_UNWRITABLE`; `signal.reason` where aborted
 */
export async function locateUserFile(
  path: string,
  options: LocateOptions,
  as: Named = { name: nameOf(path) },
): Promise<BackboneFile> {
  const { imageSize } = options;
  if (imageSize !== undefined && imageSize > largestImageSize) {
    throw new HeadstartError(
      'USAGE',
      `Images cannot be ${imageSize} pixels wide: give ${largestImageSize} or less.`,
      { option: 'imageSize' },
    );
  }
  const outline = await readOutline(path);
  const isWhole = !hasExternalData(outline);
  if (modelMetadata(outline)['headstart.format'] !== undefined) {
    return locateOurs(path, { ...describeModel(outline, path, options), isWhole }, options, as);
  }
  const { model, choice } = chosenPart(outline, path, options);
  return locateForeign(path, { ...describeModel(model, path, choice), isWhole }, options, as);
}

/** What a model is called, and where it is from, where its file does not say it. */
interface Named {
  readonly name: string;
  readonly source?: string | undefined;
}

interface Found extends ModelDescription {
  /** All of its numbers are in the file. */
  readonly isWhole: boolean;
}

/** A file of Headstart's, perhaps saved again by another program. */
async function locateOurs(
  path: string,
  { isWhole, input }: Found,
  given: LocateOptions,
  { name }: Named,
): Promise<BackboneFile> {
  const options = vgg16Options(path, given);
  const { modelsDir } = options;
  const from = { name, origin: path };
  const file = isWhole ? await describeFile(path, { name }) : await placeWhole(path, modelsDir);
  const changes = changesOf(options, { ...file, imageSize: input.height });
  if (!changes) return file;
  const bytes = await readBackbone(file.path);
  const target = derivedPath(modelsDir, name, digestOf(bytes), suffixOf(changes));
  return placeModel(target, variantOf(bytes, path, changes), from);
}

async function placeWhole(path: string, modelsDir: string): Promise<BackboneFile> {
  const name = nameOf(path);
  const { model, digest } = await readWhole(path);
  const target = derivedPath(modelsDir, name, digest, 'whole');
  return placeModel(target, encodeModel(model), { name, origin: path });
}

async function locateForeign(
  path: string,
  found: Found,
  options: LocateOptions,
  { name, source }: Named,
): Promise<BackboneFile> {
  const { modelsDir, layer, cutClassifier, signal } = options;
  if (layer !== undefined) {
    throw new HeadstartError(
      'USAGE',
      `${path} is not a VGG16 of Headstart’s: leave out \`layer\`, and save the model up to the layer instead.`,
      { option: 'layer' },
    );
  }
  const maker = await makerOf(path, found, options);
  const preprocessing = maker?.pixels ?? pixelsOf(options);
  const size = sizeOf(path, found, options, maker);
  const images = maker && imagesAt(size, maker);
  const { height, width } = found.input;
  const resized = size.height !== height || size.width !== width;
  if (isCanonical(found) && found.isWhole && !resized && !maker && !cutClassifier)
    return describeFile(path, { name });
  const suffix = [
    wordOf(preprocessing, images),
    ...(resized ? [size.height] : []),
    ...wordsOf(options),
  ];
  const { model: whole, digest } = await readWhole(path);
  const { model, choice } = chosenPart(whole, path, options);
  const adapted = (oneByOne: boolean) =>
    adaptModel(model, path, {
      preprocessing,
      images,
      source,
      size,
      ...choice,
      oneByOne,
    } satisfies AdaptOptions);
  const target = derivedPath(modelsDir, name, digest, suffix.join('-'));
  return placeChecked(target, adapted, { name, origin: path, signal });
}

/** For a file's name: an output may be called anything. */
function wordsOf({ output, tokens, cutClassifier }: OutputChoice): string[] {
  return [
    ...(output === undefined ? [] : [`output_${digestOf(Buffer.from(output)).slice(0, 8)}`]),
    ...(tokens === undefined ? [] : [tokens]),
    ...(cutClassifier ? ['cut'] : []),
  ];
}

/** What may be asked of a VGG16 of Headstart's. */
export type Vgg16Options = Omit<LocateOptions, 'preprocessing' | keyof OutputChoice> &
  Pick<BackboneVariant, 'preprocessing'>;

/** @throws HeadstartError `USAGE` where something else is asked of a model of our own */
export function vgg16Options(
  spec: string,
  { preprocessing, output, tokens, cutClassifier, ...options }: LocateOptions,
): Vgg16Options {
  const ours = `${spec} is a backbone of Headstart’s`;
  if (output !== undefined || tokens !== undefined || cutClassifier) {
    const option = output !== undefined ? 'output' : cutClassifier ? 'cutClassifier' : 'tokens';
    throw new HeadstartError('USAGE', `${ours}, with one output: leave out \`${option}\`.`);
  }
  const named = inputPreprocessings.find((kind) => kind === preprocessing);
  if (named !== preprocessing) {
    throw new HeadstartError(
      'USAGE',
      `${ours}: give \`preprocess\` caffe, torch, rescale or none.`,
    );
  }
  checkVariant(options);
  return { ...options, preprocessing: named };
}

/** What the model's maker says of images: in the file that is named, or in one beside the model. */
async function makerOf(
  path: string,
  { input, preprocessing: stated }: ModelDescription,
  { preprocessing: asked }: LocateOptions,
): Promise<MakerSettings | undefined> {
  if (input.dtype === 'uint8') {
    if (asked === undefined) return undefined;
    throw new HeadstartError(
      'USAGE',
      `${path} takes uint8 pixels and has its preprocessing inside: leave out \`preprocess\`, \`mean\`, \`std\` and \`scale\`.`,
      { option: 'preprocess' },
    );
  }
  if (isPath(asked)) return readMakerSettings(asked);
  return asked === undefined && stated === undefined ? makerSettingsBeside(path) : undefined;
}

function isPath(asked: LocateOptions['preprocessing']): asked is `${string}.json` {
  return typeof asked === 'string' && /\.json$/i.test(asked);
}

function pixelsOf({ preprocessing }: LocateOptions): PixelPreprocessing | undefined {
  if (isPath(preprocessing)) return undefined;
  return typeof preprocessing === 'object' ? namedPreprocessing(preprocessing) : preprocessing;
}

/** For a file's name. */
function wordOf(pixels: PixelPreprocessing | undefined, images: ImageSettings | undefined): string {
  if (pixels === undefined) return 'own';
  if (typeof pixels === 'string' && !images) return pixels;
  return `pixels_${digestOf(Buffer.from(JSON.stringify({ pixels, images }))).slice(0, 8)}`;
}

/** The size of images: that of the model, or of a model of any size the one that is asked for or the maker's. */
function sizeOf(
  path: string,
  { input }: ModelDescription,
  { imageSize }: LocateOptions,
  maker: MakerSettings | undefined,
): Size {
  const { height, width, anySize } = input;
  if (anySize) {
    if (imageSize !== undefined) return { height: imageSize, width: imageSize };
    return maker?.size ?? { height, width };
  }
  if (imageSize !== undefined && (height !== imageSize || width !== imageSize)) {
    throw new HeadstartError(
      'USAGE',
      `${path} takes images of ${height}x${width} pixels and no others: leave out \`imageSize\`.`,
      { option: 'imageSize' },
    );
  }
  if (maker && (maker.size.height !== height || maker.size.width !== width)) {
    throw new HeadstartError(
      'USAGE',
      `${path} takes images of ${height}x${width} pixels, and ${maker.path} makes them ${maker.size.height}x${maker.size.width}: give \`preprocess\` the file of this model.`,
      { option: 'preprocess' },
    );
  }
  return { height, width };
}

/** The maker's way to images of another size: as much of them is cut off. */
function imagesAt({ height }: Size, { images, size }: MakerSettings): ImageSettings {
  const scaled = (pixels: string) => `${Math.floor((Number(pixels) * height) / size.height)}`;
  return { ...images, fit: images.fit.replace(/\d+/, scaled) as ImageSettings['fit'] };
}

/** A model with all of its numbers, and the SHA-256 of where they came from. */
async function readWhole(path: string): Promise<{ model: Model; digest: string }> {
  const bytes = await readBackbone(path);
  const model = decodeModel(bytes, path);
  const ofData = await takeExternalData(model, path);
  const hash = createHash('sha256').update(bytes);
  return { model, digest: hash.update(ofData ?? '').digest('hex') };
}

function nameOf(path: string): string {
  return basename(path).replace(/\.onnx$/i, '');
}

function derivedPath(modelsDir: string, name: string, digest: string, kind: string): string {
  return join(modelsDir, 'adapted', `${name}-${digest.slice(0, 16)}-${kind}.onnx`);
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
