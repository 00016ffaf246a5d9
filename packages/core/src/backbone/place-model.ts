import { rm } from 'node:fs/promises';
import { writeFileAtomically } from '../base/atomic-file.ts';
import { HeadstartError } from '../base/errors.ts';
import { readRegularFile } from '../base/regular-file.ts';
import { temporaryBeside } from '../base/temporary-files.ts';
import { Backbone } from './backbone.ts';
import { describeFile } from './describe-file.ts';
import { type BackboneFile, shownName } from './file.ts';
import { generatedImages } from './generated-images.ts';

export interface PlaceOptions extends Partial<Pick<BackboneFile, 'name' | 'origin'>> {
  readonly signal?: AbortSignal | undefined;
}

/** Writes a model that was made of another where it is not there, or is another one. */
export async function placeModel(
  path: string,
  bytes: Uint8Array,
  of: PlaceOptions = {},
): Promise<BackboneFile> {
  const present = await readRegularFile(path).catch(() => undefined);
  if (!present?.equals(bytes)) await writeFileAtomically(path, bytes);
  return describeFile(path, of);
}

/**
 * As {@link placeModel}; a model that is written for the first time is run before, to see that the features
 * of an image are the same alone and in a batch.
 *
 * @param make the model, or the one that takes one image at a time
 * @throws HeadstartError `BACKBONE_UNSUITABLE` where they differ
 */
export async function placeChecked(
  path: string,
  make: (oneByOne: boolean) => Uint8Array,
  { signal, ...of }: PlaceOptions,
): Promise<BackboneFile> {
  const present = await readRegularFile(path).catch(() => undefined);
  const isThere = [false, true].some((oneByOne) => present?.equals(make(oneByOne)));
  if (isThere) return describeFile(path, of);
  const trial = temporaryBeside(path);
  try {
    await writeFileAtomically(trial, make(false));
    const together = await takesImagesTogether(await describeFile(trial, of), signal);
    await writeFileAtomically(path, make(!together));
  } finally {
    await rm(trial, { force: true });
  }
  return describeFile(path, of);
}

const pictureSeed = 24;

/** Norm of a difference, relative: rounding is far below, and what comes of other images far above. */
const tolerance = 0.01;

/** False where the model runs on one image at a time only. */
async function takesImagesTogether(
  file: BackboneFile,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  // What the CPU cannot run is left to the device that is used.
  const backbone = await Backbone.open(file, { device: 'cpu', signal }).catch(() => undefined);
  signal?.throwIfAborted();
  if (!backbone) return true;
  try {
    const [first, both] = twoPictures(backbone.info.input);
    const alone = await backbone.run(first, 1);
    if (differ(alone, await backbone.run(first, 1))) {
      throw unsuitable(file, 'its features of the same image differ from run to run');
    }
    const together = await backbone.run(both, 2).catch(() => undefined);
    if (together?.length !== 2 * alone.length) return false;
    if (differ(alone, together.subarray(alone.length))) {
      throw unsuitable(file, 'its features of an image depend on the other images of the batch');
    }
    return true;
  } finally {
    await backbone.close();
  }
}

/** A picture, and a batch of which it is the second. */
function twoPictures({ height, width }: Backbone['info']['input']): [Uint8Array, Uint8Array] {
  const pixels = height * width;
  const side = Math.ceil(Math.sqrt(pixels));
  const pictures = generatedImages(2, side, pictureSeed);
  const picture = (i: number) => pictures.subarray(i * side * side * 3).subarray(0, pixels * 3);
  return [picture(0), Buffer.concat([picture(1), picture(0)])];
}

function differ(a: Float32Array, b: Float32Array): boolean {
  let [difference, norm] = [0, 0];
  for (const [i, value] of a.entries()) {
    difference += (value - (b[i] as number)) ** 2;
    norm += value ** 2;
  }
  return !(Math.sqrt(difference) <= tolerance * Math.sqrt(norm));
}

function unsuitable(file: BackboneFile, why: string): HeadstartError {
  return new HeadstartError(
    'BACKBONE_UNSUITABLE',
    `${shownName(file)} cannot be a backbone: ${why}. Export the model for use: in PyTorch, call model.eval() before.`,
  );
}
