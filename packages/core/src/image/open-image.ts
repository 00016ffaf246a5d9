import type { Metadata, Sharp } from 'sharp';
import { bmpSize, decodeBmp } from './bmp.ts';
import { fileTypeBrands, type ImageFormat, imageFormat } from './format.ts';
import { sharp } from './libvips.ts';
import { Unreadable } from './unreadable.ts';

export interface OpenOptions {
  /** Larger pictures are refused before they are decoded. */
  readonly maxPixels: number;
  /** Take colours as sRGB, whatever profile is embedded. Default false. */
  readonly ignoreProfile?: boolean | undefined;
  /** Refuse what a decoder warns of, too. Default false. */
  readonly refuseWarnings?: boolean | undefined;
}

/** Seconds of one decode at most. What takes longer was let through by a mistake of this program. */
const mostSeconds = 60;

/** Opens an image file of a format that is decoded. What it holds is read when it is asked for. */
export async function openImage(input: Uint8Array, options: OpenOptions): Promise<Sharp> {
  const { maxPixels, ignoreProfile = false, refuseWarnings = false } = options;
  const format = imageFormat(input);
  if (format === 'bmp') return openBmp(input, maxPixels);
  const bytes = format === 'avif' ? stillAvif(input) : input;
  await checkDecoder(bytes, format);
  return sharp(bytes, {
    failOn: refuseWarnings ? 'warning' : 'error',
    limitInputPixels: maxPixels,
    ignoreIcc: ignoreProfile,
  }).timeout({ seconds: mostSeconds });
}

/** libvips's view of an image file's header; for BMP, the same from our own reader. */
export async function imageMetadata(input: Uint8Array, maxPixels: number): Promise<Metadata> {
  if (imageFormat(input) !== 'bmp') {
    return sharp(imageFormat(input) === 'avif' ? stillAvif(input) : input).metadata();
  }
  const { height, width, alpha } = sizeOfBmp(input, maxPixels);
  const create = { height: 1, width: 1, channels: alpha ? 4 : 3, background: '#000' } as const;
  const blank = await sharp({ create }).metadata();
  return { ...blank, height, width, autoOrient: { height, width } };
}

/**
 * libvips chooses a decoder by its own look at the bytes: where that is another than the one that
 * they were recognized for, the file is made to deceive. The marks of JPEG, PNG and GIF belong to
 * one decoder each, and the header need not be read for it.
 */
async function checkDecoder(input: Uint8Array, format: ImageFormat | undefined): Promise<void> {
  if (format === 'jpeg' || format === 'png' || format === 'gif') return;
  const { format: found } = await sharp(input).metadata();
  if ((found as string) === (format === 'avif' ? 'heif' : format)) return;
  throw new Unreadable('format', `its content is ${found}, though it begins as ${format} does`);
}

/** libvips reads the still picture that an AVIF sequence holds where the sequence is not in front. */
function stillAvif(input: Uint8Array): Uint8Array {
  const [major, ...others] = fileTypeBrands(input);
  if (major === 'avif' || major === 'mif1') return input;
  if (!others.includes('avif')) {
    throw new Unreadable(
      'format',
      'it is an AVIF sequence without a still picture, which cannot be read here: convert it to PNG or JPEG',
    );
  }
  const still = Buffer.from(input);
  still.write('avif', 8, 'latin1');
  return still;
}

function openBmp(input: Uint8Array, maxPixels: number): Sharp {
  sizeOfBmp(input, maxPixels);
  const { pixels, alpha, height, width } = orDamaged(() => decodeBmp(input));
  const image = sharp(pixels, { raw: { height, width, channels: 4 }, limitInputPixels: false });
  return alpha ? image : image.removeAlpha();
}

function sizeOfBmp(input: Uint8Array, maxPixels: number) {
  const size = orDamaged(() => bmpSize(input));
  if (size.height * size.width > maxPixels) {
    // In sharp's words, which are understood where sharp's are.
    throw new Error('Input image exceeds pixel limit');
  }
  return size;
}

function orDamaged<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new Unreadable('damaged', (error as Error).message, error);
  }
}
