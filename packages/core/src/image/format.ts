/** The format of a file by its first bytes. */
export type ImageFormat =
  | 'jpeg'
  | 'png'
  | 'gif'
  | 'webp'
  | 'tiff'
  | 'avif'
  | 'bmp'
  | 'heic'
  | 'svg'
  | 'pdf'
  | 'ico'
  | 'psd'
  | 'jpeg 2000'
  | 'jpeg xl';

/** Formats that are decoded. The others are recognized so that a refusal can name them. */
export const decodableFormats: ReadonlySet<ImageFormat> = new Set<ImageFormat>([
  'jpeg',
  'png',
  'gif',
  'webp',
  'tiff',
  'avif',
  'bmp',
]);

interface Signature {
  readonly format: ImageFormat;
  /** Bytes as Latin-1 text, at the start of the file. */
  readonly text: string;
}

const signatures: readonly Signature[] = [
  { format: 'jpeg', text: '\xff\xd8\xff' },
  { format: 'png', text: '\x89PNG\r\n\x1a\n' },
  { format: 'gif', text: 'GIF87a' },
  { format: 'gif', text: 'GIF89a' },
  { format: 'tiff', text: 'II*\0' },
  { format: 'tiff', text: 'MM\0*' },
  { format: 'tiff', text: 'II+\0' },
  { format: 'tiff', text: 'MM\0+' },
  { format: 'bmp', text: 'BM' },
  { format: 'pdf', text: '%PDF' },
  { format: 'psd', text: '8BPS' },
  { format: 'ico', text: '\0\0\x01\0' },
  { format: 'jpeg 2000', text: '\0\0\0\x0cjP' },
  { format: 'jpeg xl', text: '\0\0\0\x0cJXL' },
  { format: 'jpeg xl', text: '\xff\x0a' },
];

const avifBrands = new Set(['avif', 'avis']);
const heicBrands = new Set(['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'mif1', 'msf1']);

/** Recognizes an image file by its first bytes, whatever its name. */
export function imageFormat(bytes: Uint8Array): ImageFormat | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 512));
  const text = head.toString('latin1');
  if (text.startsWith('RIFF') && text.startsWith('WEBP', 8)) return 'webp';
  const brands = fileTypeBrands(bytes);
  if (brands.some((brand) => avifBrands.has(brand))) return 'avif';
  if (brands.some((brand) => heicBrands.has(brand))) return 'heic';
  const found = signatures.find(({ text: mark }) => text.startsWith(mark));
  if (found) return found.format;
  return /<svg[\s>]|<!DOCTYPE svg/i.test(text) ? 'svg' : undefined;
}

/** Larger `ftyp` boxes are not of an image: there are some ten brands, of 4 bytes each. */
const largestFileType = 512;

/**
 * The brands of a file that begins with an `ftyp` box (ISO 14496-12, section 4.3): the major one,
 * then the compatible ones. None where the box's size is none that such a box has.
 */
export function fileTypeBrands(bytes: Uint8Array): string[] {
  if (bytes.length < 16) return [];
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, largestFileType));
  const size = head.readUInt32BE(0);
  if (head.toString('latin1', 4, 8) !== 'ftyp') return [];
  if (size < 16 || size > head.length || size % 4 !== 0) return [];
  const brands = [head.toString('latin1', 8, 12)];
  for (let at = 16; at < size; at += 4) brands.push(head.toString('latin1', at, at + 4));
  return brands;
}
