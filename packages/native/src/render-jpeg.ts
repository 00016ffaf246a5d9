import { binding } from './binding.ts';
import { callNative, callNativeAsync } from './errors.ts';
import { nativeViews, type RenderedViews, requireBytes } from './render-views.ts';
import { invalidArgument, requireInteger } from './validate.ts';

export interface JpegRendering extends RenderedViews {
  /** The file's path, or its bytes: these are left alone meanwhile. */
  readonly file: string | Uint8Array;
  /** SHA-256 that the file's bytes must have. */
  readonly sha256?: Uint8Array | undefined;
  /** Larger pictures are left to others. */
  readonly maxPixels: number;
  /**
   * Embedded RGB profiles that are not applied: `all`, or SHA-256 digests, one after another. Files
   * with others are left to others.
   */
  readonly ignoredProfiles: 'all' | Uint8Array;
}

const none = new Uint8Array(0);

/** Whether {@link renderJpeg} can do anything: libjpeg-turbo was there when the addon was compiled, and is. */
export function canRenderJpeg(): boolean {
  return callNative(() => binding().canRenderJpeg);
}

/**
 * Reads and decodes a JPEG file by libjpeg-turbo and makes views of it as `renderViews` does, on a
 * thread of its own. The pixels are those of libvips, to the bit.
 *
 * Only plain files: 8 bits, gray or YCbCr, one scan, upright, without anything that a decoder warns of;
 * and less than four times as large as wanted, as others are made smaller while they are decoded.
 *
 * @returns false where the file is left to others, for whatever reason; the target is then arbitrary
 * @throws NativeError `INVALID_ARGUMENT`, `OUT_OF_MEMORY`, `ADDON_MISSING`
 */
export async function renderJpeg(rendering: JpegRendering): Promise<boolean> {
  const { file, sha256, maxPixels, ignoredProfiles } = rendering;
  if (typeof file !== 'string') requireBytes('file', file);
  else if (file === '') throw invalidArgument('file', 'a path', file);
  requireInteger('maxPixels', maxPixels, 1, 2 ** 40);
  const native = {
    ...nativeViews(rendering),
    file,
    sha256,
    maxPixels,
    ignoreProfiles: ignoredProfiles === 'all',
    ignoredProfiles: ignoredProfiles === 'all' ? none : ignoredProfiles,
  };
  return callNativeAsync(() => binding().renderJpeg(native));
}
