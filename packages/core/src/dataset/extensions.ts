import { extname } from 'node:path';

/** Names of files that are read as images; what they are is decided by their content later. */
const imageExtensions = new Set([
  '.jpg',
  '.jpeg',
  '.jpe',
  '.jfif',
  '.png',
  '.apng',
  '.webp',
  '.gif',
  '.tif',
  '.tiff',
  '.avif',
  '.bmp',
  '.dib',
]);

/** Images of kinds that cannot be decoded. */
const unsupportedExtensions = new Set([
  '.heic',
  '.heif',
  '.svg',
  '.svgz',
  '.ico',
  '.pbm',
  '.pgm',
  '.ppm',
  '.pnm',
  '.jp2',
  '.jxl',
  '.psd',
  '.pdf',
  '.eps',
  '.tga',
  '.exr',
  '.hdr',
  '.raw',
  '.dng',
  '.cr2',
  '.nef',
  '.arw',
]);

/** Files that operating systems leave in folders of images. */
const systemFiles = new Set(['thumbs.db', 'desktop.ini']);

/** The format that a file name promises, as `imageFormat` calls it. */
export function formatOfExtension(extension: string): string {
  const lower = extension.toLowerCase();
  if (['.jpg', '.jpeg', '.jpe', '.jfif'].includes(lower)) return 'jpeg';
  if (lower === '.apng') return 'png';
  if (lower === '.dib') return 'bmp';
  return lower === '.tif' ? 'tiff' : lower.slice(1);
}

/**
 * Hidden files and folders are not looked at, nor named.
 *
 * @example
 * ```ts
 * isHidden('.DS_Store'); // true
 * ```
 */
export function isHidden(name: string): boolean {
  return name.startsWith('.') || systemFiles.has(name.toLowerCase());
}

export function isImageName(name: string): boolean {
  return imageExtensions.has(extname(name).toLowerCase());
}

/**
 * Whether a file is an image by its name, of a kind that can be decoded or not.
 *
 * @example
 * ```ts
 * isPictureName('photo.jpg'); // true
 * ```
 */
export function isPictureName(name: string): boolean {
  return isImageName(name) || unsupportedExtensions.has(extname(name).toLowerCase());
}

/** Why a file in a class folder is left out by its name alone; undefined where it is not. */
export function reasonToSkip(name: string): string | undefined {
  if (isImageName(name)) return undefined;
  const extension = extname(name).toLowerCase();
  if (unsupportedExtensions.has(extension)) {
    return `${extension.slice(1).toUpperCase()} images cannot be read: convert it to PNG or JPEG`;
  }
  return extension
    ? `it is not an image by its name (${extension})`
    : 'it is not an image by its name (no extension)';
}
