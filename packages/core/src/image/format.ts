/** What a file's first bytes say it is. */
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
]);

interface Signature {
  readonly format: ImageFormat;
  /** Bytes as Latin-1 text, at `offset`. */
  readonly text: string;
  readonly offset?: number;
}

const signatures: readonly Signature[] = [
  { format: 'jpeg', text: '\xff\xd8' },
  { format: 'png', text: '\x89PNG\r\n\x1a\n' },
  { format: 'gif', text: 'GIF87a' },
  { format: 'gif', text: 'GIF89a' },
  { format: 'webp', text: 'WEBP', offset: 8 },
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
  if (text.startsWith('ftyp', 4)) return isobmffFormat(head);
  const found = signatures.find(({ text: mark, offset = 0 }) => text.startsWith(mark, offset));
  if (found) return found.format;
  return /<svg[\s>]|<!DOCTYPE svg/i.test(text) ? 'svg' : undefined;
}

/** The major brand decides; under `mif1`, which both use, a compatible brand does. */
function isobmffFormat(head: Buffer): ImageFormat | undefined {
  const end = Math.min(head.length, head.readUInt32BE(0));
  const brands = [head.toString('latin1', 8, 12)];
  for (let at = 16; at + 4 <= end; at += 4) brands.push(head.toString('latin1', at, at + 4));
  if (brands.some((brand) => avifBrands.has(brand))) return 'avif';
  return brands.some((brand) => heicBrands.has(brand)) ? 'heic' : undefined;
}
