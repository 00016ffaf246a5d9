import type { ImageFormat } from './format.ts';
import { jpegStructure } from './jpeg-scans.ts';

/**
 * Pixels times scans of a JPEG, at most. libjpeg passes over all coefficients in every scan, before
 * anything can stop it: 0.25 ns for each pixel of a scan that holds next to nothing. 100 megapixels
 * in 20 scans are within it.
 */
const mostScanned = 2e9;

/** A scan costs as much as this many pixels, however small the picture is. */
const leastPixels = 4096;

/** Pixels that libjpeg passes over in all scans of a JPEG; 0 of other formats. */
export function scannedPixels(format: ImageFormat | undefined, bytes: Uint8Array): number {
  if (format !== 'jpeg') return 0;
  const { height, width, scans } = jpegStructure(bytes);
  return scans * Math.max(leastPixels, height * width);
}

/** Why decoding a file would cost far more than its pixels do; undefined where it would not. */
export function costlyReason(format: ImageFormat, bytes: Uint8Array): string | undefined {
  if (format !== 'jpeg') return undefined;
  const { height, width, scans } = jpegStructure(bytes);
  if (scans * Math.max(leastPixels, height * width) <= mostScanned) return undefined;
  return `it is a progressive JPEG of ${width}x${height} pixels in ${scans} scans, which would take too long to decode: save it again with fewer scans`;
}
