import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { HeadstartError } from '../base/errors.ts';
import {
  type AdaptOptions,
  adaptModel,
  changesOf,
  decodeModel,
  describeModel,
  encodeModel,
  hasExternalData,
  isCanonical,
  type Model,
  type ModelDescription,
  type OutputChoice,
  readOutline,
  suffixOf,
  takeExternalData,
  variantOf,
} from '../onnx/index.ts';
import { describeFile, readBackbone } from './describe-file.ts';
import type { BackboneFile, LocateOptions } from './file.ts';
import { placeChecked, placeModel } from './place-model.ts';

/**
 * An ONNX file that the user names, in the form of our own: as it is where it has that form, else adapted
 * into `modelsDir`, once. Weights in other files beside it are taken along.
 *
 * @throws HeadstartError `BACKBONE_UNSUITABLE`, `USAGE`, `OUTPUT_UNWRITABLE`; `signal.reason` where aborted
 */
export async function locateUserFile(path: string, options: LocateOptions): Promise<BackboneFile> {
  const outline = await readOutline(path);
  const found = { ...describeModel(outline, path, options), isWhole: !hasExternalData(outline) };
  return found.metadata['headstart.format'] === undefined
    ? locateForeign(path, found, options)
    : locateOurs(path, found, options);
}

interface Found extends ModelDescription {
  /** All of its numbers are in the file. */
  readonly isWhole: boolean;
}

/** A file of Headstart's, perhaps saved again by another program. */
async function locateOurs(
  path: string,
  { isWhole, input }: Found,
  options: LocateOptions,
): Promise<BackboneFile> {
  refuseOutput(path, options);
  const { modelsDir } = options;
  const name = nameOf(path);
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
): Promise<BackboneFile> {
  const { modelsDir, preprocessing, layer, imageSize, output, tokens, signal } = options;
  if (layer !== undefined) {
    throw new HeadstartError(
      'USAGE',
      `${path} is not a VGG16 of Headstart’s: leave out \`layer\`, and save the model up to the layer instead.`,
      { option: 'layer' },
    );
  }
  const size = withImageSize(found, imageSize, path);
  if (found.input.dtype === 'uint8' && preprocessing !== undefined) {
    throw new HeadstartError(
      'USAGE',
      `${path} takes uint8 pixels and has its preprocessing inside: leave out \`preprocess\`.`,
      { option: 'preprocess' },
    );
  }
  const name = nameOf(path);
  const { height, width } = found.input;
  const resized = size.height !== height || size.width !== width;
  if (isCanonical(found) && found.isWhole && !resized) return describeFile(path, { name });
  const suffix = [
    preprocessing ?? 'own',
    ...(resized ? [size.height] : []),
    ...wordsOf({ output, tokens }),
  ];
  const { model, digest } = await readWhole(path);
  const adapted = (oneByOne: boolean) =>
    adaptModel(model, path, {
      preprocessing,
      size,
      output,
      tokens,
      oneByOne,
    } satisfies AdaptOptions);
  const target = derivedPath(modelsDir, name, digest, suffix.join('-'));
  return placeChecked(target, adapted, { name, origin: path, signal });
}

/** For a file's name: an output may be called anything. */
function wordsOf({ output, tokens }: OutputChoice): string[] {
  const words = output === undefined ? [] : [`output_${digestOf(Buffer.from(output)).slice(0, 8)}`];
  return tokens === undefined ? words : [...words, tokens];
}

/** @throws HeadstartError `USAGE` where an output of a model of our own was chosen */
export function refuseOutput(spec: string, { output, tokens }: OutputChoice): void {
  if (output === undefined && tokens === undefined) return;
  throw new HeadstartError(
    'USAGE',
    `${spec} is a backbone of Headstart’s, with one output: leave out \`${output === undefined ? 'tokens' : 'output'}\`.`,
  );
}

/** The image size of a model without a fixed one, or with just this one. */
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
    `${path} takes images of ${height}x${width} pixels and no others: leave out \`imageSize\`.`,
    { option: 'imageSize' },
  );
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
