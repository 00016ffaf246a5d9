import { readFile } from 'node:fs/promises';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import type { OperationOptions } from '../base/operation.ts';
import { readPicture, sharp, unreadableReason } from '../image/index.ts';

/** RGB, height x width x 3, interleaved. */
export interface RgbPicture {
  readonly pixels: Uint8Array;
  readonly height: number;
  readonly width: number;
}

export interface ThumbnailOptions extends OperationOptions {
  /** Of the longer side, in pixels; smaller pictures stay as they are. Default 96. */
  readonly size?: number | undefined;
}

/** A small picture for a page, or why there is none: a reason without a full stop. */
export type Thumbnail =
  | {
      /** `data:image/jpeg;base64,…` */
      readonly uri: string;
      readonly height: number;
      readonly width: number;
    }
  | { readonly reason: string };

/**
 * Makes a small JPEG of a picture, upright and with its own proportions, to stand in a page.
 *
 * @param source path of an image file, its bytes, or pixels
 * @throws `signal.reason` where aborted; a file that cannot be read is a result, not an error
 * @example
 * ```ts
 * const small = await thumbnail('photo.jpg', { size: 64 });
 * console.log('uri' in small ? small.uri : small.reason);
 * ```
 */
export async function thumbnail(
  source: string | Uint8Array | RgbPicture,
  { size = 96, signal }: ThumbnailOptions = {},
): Promise<Thumbnail> {
  signal?.throwIfAborted();
  try {
    const picture = await shrunk(source, size);
    signal?.throwIfAborted();
    return await encoded(picture);
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof HeadstartError && error.code === 'IMAGE_UNREADABLE') {
      return { reason: unreadableReason(error) };
    }
    return { reason: `it cannot be read (${reasonOf(error)})` };
  }
}

async function shrunk(source: string | Uint8Array | RgbPicture, size: number): Promise<RgbPicture> {
  if (typeof source !== 'string' && !(source instanceof Uint8Array)) {
    const to = within(source, size);
    const { data, info } = await rgb(source)
      .resize(to.width, to.height, { fit: 'fill' })
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { pixels: data, height: info.height, width: info.width };
  }
  const bytes = typeof source === 'string' ? await readFile(source) : source;
  const name = typeof source === 'string' ? source : 'the picture';
  return readPicture(bytes, size, name);
}

/** The size that fits, with the same proportions; at least one pixel each way. */
function within({ height, width }: { height: number; width: number }, size: number) {
  const scale = Math.min(1, size / Math.max(height, width));
  const scaled = (length: number) => Math.max(1, Math.round(length * scale));
  return { height: scaled(height), width: scaled(width) };
}

async function encoded(picture: RgbPicture): Promise<Thumbnail> {
  const jpeg = await rgb(picture).jpeg({ quality: 80 }).toBuffer();
  const { height, width } = picture;
  return { uri: `data:image/jpeg;base64,${jpeg.toString('base64')}`, height, width };
}

function rgb({ pixels, height, width }: RgbPicture) {
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}
