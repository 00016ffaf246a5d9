/** Tags of a TIFF file's first directory, by their numbers, which describe how its samples are stored. */
interface Tags {
  readonly get: (number: number) => readonly number[] | undefined;
}

const tag = {
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  samplesPerPixel: 277,
  planarConfiguration: 284,
  extraSamples: 338,
  sampleFormat: 339,
} as const;

const photometric = {
  palette: 3,
  cmyk: 5,
  ycbcr: 6,
  rgb: 2,
  cieLab: 8,
  iccLab: 9,
  ituLab: 10,
} as const;

/**
 * Why a TIFF file's picture cannot be read rightly, though it may be whole; undefined where it can.
 * TIFF 6.0 holds any numbers, of which some are not levels of a picture.
 */
export function unreadableTiff(bytes: Uint8Array): string | undefined {
  const tags = readTags(bytes);
  if (!tags) return undefined;
  const [bits = 1] = tags.get(tag.bitsPerSample) ?? [];
  const [format = 1] = tags.get(tag.sampleFormat) ?? [];
  const kind = {
    2: 'signed integers',
    3: 'floating-point numbers',
    5: 'complex numbers',
    6: 'complex numbers',
  }[format];
  if (kind)
    return `it is a TIFF of ${kind} of ${bits} bits, whose black and white are not known: convert it to 8 or 16 bits`;
  if (bits > 16)
    return `it is a TIFF of ${bits} bits, whose black and white are not known: convert it to 8 or 16 bits`;
  const [colour = 1] = tags.get(tag.photometric) ?? [];
  if (
    colour === photometric.cieLab ||
    colour === photometric.iccLab ||
    colour === photometric.ituLab
  ) {
    return 'it is a TIFF in Lab colours, which cannot be read here: convert it to RGB';
  }
  const [samples = 1] = tags.get(tag.samplesPerPixel) ?? [];
  const extra = samples - coloursOf(colour);
  if (extra > 1) {
    return `it is a TIFF of ${samples} channels, ${extra} more than its colours have: convert it to RGB`;
  }
  const [compression = 1] = tags.get(tag.compression) ?? [];
  const [planar = 1] = tags.get(tag.planarConfiguration) ?? [];
  // libtiff's JPEG decoder converts YCbCr where the three stand in one JPEG only.
  if (colour === photometric.ycbcr && planar === 2 && (compression === 6 || compression === 7)) {
    return 'it is a TIFF of JPEG data in separate planes of YCbCr, which cannot be read here: convert it to RGB';
  }
  return undefined;
}

/** Whether the channel after a TIFF file's colours is not declared to be alpha. */
export function hasUnknownChannel(bytes: Uint8Array): boolean {
  const tags = readTags(bytes);
  const [colour = 1] = tags?.get(tag.photometric) ?? [];
  const [samples = 1] = tags?.get(tag.samplesPerPixel) ?? [];
  const [meaning = 0] = tags?.get(tag.extraSamples) ?? [];
  return samples > coloursOf(colour) && meaning === 0;
}

function coloursOf(colour: number): number {
  if (colour === photometric.cmyk) return 4;
  return colour === photometric.rgb || colour === photometric.ycbcr ? 3 : 1;
}

const sizes: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4 };

/** Unsigned numbers of the first directory of a TIFF or BigTIFF file; undefined where it is cut off. */
function readTags(bytes: Uint8Array): Tags | undefined {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = bytes[0] === 0x49;
  const big = data.getUint16(2, little) === 43;
  const offset = (at: number) =>
    big ? Number(data.getBigUint64(at, little)) : data.getUint32(at, little);
  const number = {
    1: (at: number) => data.getUint8(at),
    2: (at: number) => data.getUint16(at, little),
    4: (at: number) => data.getUint32(at, little),
  };
  const values = new Map<number, number[]>();
  try {
    const directory = offset(big ? 8 : 4);
    const entries = big ? offset(directory) : data.getUint16(directory, little);
    const [first, length, place] = big ? [8, 20, 8] : [2, 12, 4];
    for (let i = 0; i < entries; i++) {
      const at = directory + first + i * length;
      const size = sizes[data.getUint16(at + 2, little)];
      if (size === undefined) continue;
      const count = Math.min(offset(at + 4), mostValues);
      const start = count * size <= place ? at + 4 + place : offset(at + 4 + place);
      const read = number[size as keyof typeof number];
      values.set(
        data.getUint16(at, little),
        Array.from({ length: count }, (_, k) => read(start + k * size)),
      );
    }
  } catch {
    return undefined;
  }
  return { get: (wanted) => values.get(wanted) };
}

/** Of a tag, as many as are looked at. */
const mostValues = 8;
