import { canRenderJpeg, renderJpeg, renderViews } from '@headstart/native';
import type { Sharp } from 'sharp';
import type { Fit } from '../options/index.ts';
import { scannedPixels } from './costly.ts';
import { imageFormat } from './format.ts';
import { jpegStructure } from './jpeg-scans.ts';
import { resizeNearest } from './nearest.ts';
import { openImage } from './open-image.ts';
import { type Box, placement, type Size } from './placement.ts';
import { hasSrgbProfile, srgbProfiles } from './srgb-profile.ts';
import { hasUnknownChannel } from './tiff.ts';
import { isPixelLimit, readingImage } from './unreadable.ts';
import { pixelView, type ViewTransform } from './view.ts';

export type ResizeMethod = 'nearest' | 'bilinear' | 'bicubic' | 'lanczos';

/** How a picture comes to the size of the backbone's input. */
export interface ResizeOptions {
  /** Default `bilinear`. */
  readonly resize?: ResizeMethod | undefined;
  /** What becomes of its proportions; default `stretch`. */
  readonly fit?: Fit | undefined;
}

export interface DecodeOptions extends ResizeOptions, Size {
  /** Larger pictures are refused before they are decoded. Default {@link defaultMaxPixels}. */
  readonly maxPixels?: number | undefined;
  /**
   * Take colours as sRGB, whatever profile is embedded. Default: where it is nearly sRGB; with `nearest`
   * never, as these are the pixels that Keras reads.
   */
  readonly ignoreProfile?: boolean | undefined;
  /** Gives up while the picture waits for its turn; see `onQueued`. */
  readonly signal?: AbortSignal | undefined;
  /** Called where the picture is large: such pictures are decoded one at a time, in order. */
  readonly onQueued?: (() => void) | undefined;
}

/** A part of the feature key: raise it when the same file comes to decode to other pixels. */
export function decodeVersion(resize: ResizeMethod): number {
  return resize === 'nearest' ? 1 : 2;
}

/** 100 megapixels: 300 MB as RGB. */
export const defaultMaxPixels = 100_000_000;

/**
 * Pictures up to this size are decoded in parallel (in the pools of libuv and of the addon); larger ones
 * one at a time, so that memory stays bounded however many there are.
 */
const parallelPixels = 20_000_000;

/** And up to this many pixels in all scans of a JPEG. */
const parallelScanned = 200_000_000;

/**
 * Decodes an image file to 8-bit sRGB, height x width x 3, interleaved.
 *
 * EXIF orientation is applied; alpha is blended on white; embedded colour profiles, CMYK, gray,
 * palettes and 16 bit become sRGB; of an animation the first frame is taken. The format follows
 * from the content, not from the name.
 *
 * A file that is cut off or whose data is damaged is refused, as Pillow and so Keras do; harmless
 * oddities (bytes between JPEG segments, a missing PNG end mark) are not (`failOn: 'error'`).
 *
 * `bilinear`, `bicubic` and `lanczos` give the bits of Pillow's filters of the same names, `nearest`
 * picks exactly the pixels that Pillow picks. Large JPEG files that nothing is cut off of are decoded at
 * a reduced size that is at least twice the one asked for.
 *
 * @param name the file, for the message
 * @throws HeadstartError `IMAGE_UNREADABLE`, whose cause's message is the bare reason;
 *   `signal.reason` where aborted while it waited
 */
export async function decodeImage(
  input: Uint8Array,
  options: DecodeOptions,
  name: string,
): Promise<Uint8Array> {
  const target = new Uint8Array(options.height * options.width * 3);
  const plain = { ...options, views: [undefined], target };
  if (!(await decodePlainJpeg(input, plain))) await decodeViews(input, plain, name);
  return target;
}

export interface DecodeViewsOptions extends DecodeOptions {
  /** Which views; undefined for the plain image. */
  readonly views: readonly (ViewTransform | undefined)[];
  /** RGB, [views, height, width, 3]: filled when the promise is fulfilled. */
  readonly target: Uint8Array;
}

/** Decodes an image file as {@link decodeImage}, once for all of its views, by sharp. */
export async function decodeViews(
  input: Uint8Array,
  options: DecodeViewsOptions,
  name: string,
): Promise<void> {
  const { maxPixels = defaultMaxPixels, signal } = options;
  const { height, width, resize = 'bilinear', target } = options;
  const { pixels, source, part, placed } = await readingImage(
    input,
    { name, maxPixels, signal },
    () => decodeBounded(input, options, maxPixels),
  );
  const filter = resize === 'nearest' ? undefined : resize;
  const views = options.views.map((view) => pixelView(view, options));
  await renderViews({ pixels, source, part, placed, filter, height, width, views, target });
}

/**
 * Decodes a plain JPEG file as {@link decodeViews}, to the same bits, in one piece of work off the main
 * thread, by libjpeg-turbo where it is there.
 *
 * @param input the file's bytes, or its path with the SHA-256 that its bytes must have
 * @returns false where it is for {@link decodeViews} to decode it, or to give the reason why it cannot be
 */
export async function decodePlainJpeg(
  input: Uint8Array | { readonly path: string; readonly hash: string },
  options: DecodeViewsOptions,
): Promise<boolean> {
  const { resize = 'bilinear', fit = 'stretch', maxPixels = defaultMaxPixels } = options;
  const { height, width, target, ignoreProfile } = options;
  if (resize === 'nearest' || fit !== 'stretch' || !canRenderJpeg()) return false;
  const isFile = 'path' in input;
  if (!isFile && imageFormat(input) !== 'jpeg') return false;
  const ignored = ignoreProfile ?? srgbProfiles();
  return renderJpeg({
    file: isFile ? input.path : input,
    sha256: isFile ? Buffer.from(input.hash, 'hex') : undefined,
    maxPixels: Math.min(maxPixels, parallelPixels),
    ignoredProfiles: ignored === true ? 'all' : ignored || new Uint8Array(0),
    filter: resize,
    height,
    width,
    views: options.views.map((view) => pixelView(view, options)),
    target,
  });
}

/** A decoded picture, and what of it goes where. */
interface Decoded {
  readonly pixels: Uint8Array;
  readonly source: Size;
  readonly part?: Box | undefined;
  readonly placed?: Box | undefined;
}

async function decodeBounded(
  input: Uint8Array,
  options: DecodeOptions,
  maxPixels: number,
): Promise<Decoded> {
  const limit = Math.min(maxPixels, parallelPixels);
  if (scannedPixels(imageFormat(input), input) <= parallelScanned) {
    try {
      return await decodeLimited(input, options, limit);
    } catch (error) {
      if (!isPixelLimit(error) || limit === maxPixels) throw error;
    }
  }
  options.onQueued?.();
  return oneAtATime(() => {
    options.signal?.throwIfAborted();
    return decodeLimited(input, options, maxPixels);
  });
}

let lastLarge: Promise<unknown> = Promise.resolve();

function oneAtATime<T>(action: () => Promise<T>): Promise<T> {
  const result = lastLarge.then(action);
  lastLarge = result.catch(() => {});
  return result;
}

async function decodeLimited(
  input: Uint8Array,
  options: DecodeOptions,
  maxPixels: number,
): Promise<Decoded> {
  const { height, width, resize = 'bilinear', fit = 'stretch' } = options;
  const ignoreProfile =
    options.ignoreProfile ?? (resize !== 'nearest' && (await hasSrgbProfile(input)));
  const opened = (await openImage(input, { maxPixels, ignoreProfile })).autoOrient();
  const image = withoutAlpha(opened, input).toColourspace('srgb');
  const to = { height, width };
  const isWhole = fit === 'stretch' || fit === 'pad';
  if (resize !== 'nearest' && isWhole) await reduceOnLoad(image, input, to);
  const { pixels, ...source } = await rawPixels(image);
  const { source: part, target: placed } = placement(source, to, fit);
  if (resize !== 'nearest') return { pixels, source, part, placed };
  return { pixels: resizeNearest(pixels, source, { part, placed, to }), source: to };
}

/** libjpeg scales by a power of two for less than it costs to decode all. */
async function reduceOnLoad(image: Sharp, input: Uint8Array, to: Size): Promise<void> {
  if (imageFormat(input) !== 'jpeg') return;
  const { height, width } = jpegStructure(input);
  const most = Math.min(height, width) / (2 * Math.max(to.height, to.width));
  const factor = [8, 4, 2].find((one) => one <= most);
  if (factor === undefined) return;
  const { autoOrient } = await image.metadata();
  const reduced = (side: number) => Math.floor(side / factor);
  image.resize(reduced(autoOrient.width), reduced(autoOrient.height), { fit: 'fill' });
}

/** A TIFF file's channel that is not declared to be alpha is not part of the picture. */
function withoutAlpha(image: Sharp, input: Uint8Array): Sharp {
  if (imageFormat(input) === 'tiff' && hasUnknownChannel(input)) return image.removeAlpha();
  return image.flatten({ background: '#ffffff' });
}

async function rawPixels(image: Sharp): Promise<Size & { readonly pixels: Uint8Array }> {
  const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  const { height, width } = info;
  return { height, width, pixels: toRgb(data, info.channels) };
}

function toRgb(data: Buffer, channels: number): Uint8Array {
  const pixels = new Uint8Array(data.buffer, data.byteOffset, data.length);
  if (channels === 3) return pixels;
  const count = data.length / channels;
  const gray = channels < 3;
  const rgb = new Uint8Array(count * 3);
  for (let i = 0; i < count; i++) {
    for (let c = 0; c < 3; c++) rgb[i * 3 + c] = pixels[i * channels + (gray ? 0 : c)] as number;
  }
  return rgb;
}
