import type { Size } from './placement.ts';

/** A BMP file's picture. */
export interface BmpPicture extends Size {
  /** RGBA, height x width x 4, interleaved, the top row first. */
  readonly pixels: Uint8Array;
  readonly alpha: boolean;
}

interface Header extends Size {
  readonly topDown: boolean;
  readonly bits: number;
  readonly compression: number;
  /** Where the pixels begin. */
  readonly offset: number;
  /** RGB of each number, in one row. */
  readonly palette: Uint8Array;
  /** Of red, green, blue and alpha, for 16 and 32 bits; 0 for none. */
  readonly masks: readonly number[];
}

const [plain, rle8, rle4, bitFields, alphaBitFields] = [0, 1, 2, 3, 6];

/**
 * The size that a BMP file's header states, before anything is decoded.
 *
 * @throws Error with what is wrong with it
 */
export function bmpSize(
  bytes: Uint8Array,
): Size & { readonly bits: number; readonly alpha: boolean } {
  const { height, width, bits, masks } = readHeader(bytes);
  return { height, width, bits, alpha: masks[3] !== 0 };
}

/**
 * Decodes a BMP file (Microsoft's BITMAPINFOHEADER, versions 2 to 5, and OS/2's BITMAPCOREHEADER):
 * 1, 4, 8, 16, 24 and 32 bits, palettes, masks, RLE4 and RLE8.
 *
 * @throws Error with what is wrong with it
 */
export function decodeBmp(bytes: Uint8Array): BmpPicture {
  const header = readHeader(bytes);
  const { height, width, bits, compression, masks } = header;
  const pixels = new Uint8Array(height * width * 4).fill(255);
  if (compression === rle8 || compression === rle4) readRuns(bytes, header, pixels);
  else readRows(bytes, header, pixels);
  return { height, width, pixels, alpha: bits > 8 && masks[3] !== 0 };
}

function readHeader(bytes: Uint8Array): Header {
  if (bytes.length < 26) throw new Error('it is cut off');
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = data.getUint32(14, true);
  const core = size === 12;
  if (!core && (size < 40 || size > 124)) throw new Error(`its header has ${size} bytes`);
  if (bytes.length < 14 + size) throw new Error('it is cut off');
  const width = core ? data.getUint16(18, true) : data.getInt32(18, true);
  const signed = core ? data.getUint16(20, true) : data.getInt32(22, true);
  const bits = data.getUint16(core ? 24 : 28, true);
  const compression = core ? plain : data.getUint32(30, true);
  if (width < 1 || signed === 0) throw new Error('its size is not 1 or more');
  const known =
    compression === plain ||
    (compression === rle8 && bits === 8) ||
    (compression === rle4 && bits === 4) ||
    ((compression === bitFields || compression === alphaBitFields) && (bits === 16 || bits === 32));
  if (!known || ![1, 4, 8, 16, 24, 32].includes(bits)) {
    throw new Error(
      `it is a BMP of ${bits} bits in compression ${compression}, which cannot be read here: convert it to PNG`,
    );
  }
  const masked = compression === bitFields || compression === alphaBitFields;
  const maskCount = masked && size === 40 ? (compression === alphaBitFields ? 4 : 3) : 0;
  return {
    height: Math.abs(signed),
    width,
    topDown: signed < 0,
    bits,
    compression,
    offset: data.getUint32(10, true),
    palette: readPalette(bytes, data, { core, bits, at: 14 + size + 4 * maskCount }),
    masks: masked ? readMasks(data, size, maskCount) : defaultMasks(bits),
  };
}

function defaultMasks(bits: number): readonly number[] {
  return bits === 16 ? [0x7c00, 0x3e0, 0x1f, 0] : [0xff0000, 0xff00, 0xff, 0];
}

function readMasks(data: DataView, size: number, count: number): readonly number[] {
  const stored = size >= 56 ? 4 : size >= 52 ? 3 : count;
  if (data.byteLength < 54 + 4 * stored) throw new Error('it is cut off');
  return Array.from({ length: 4 }, (_, i) => (i < stored ? data.getUint32(54 + 4 * i, true) : 0));
}

function readPalette(
  bytes: Uint8Array,
  data: DataView,
  { core, bits, at }: { readonly core: boolean; readonly bits: number; readonly at: number },
): Uint8Array {
  if (bits > 8) return new Uint8Array(0);
  const most = 1 << bits;
  const stated = core ? 0 : data.getUint32(46, true);
  const entries = stated === 0 ? most : Math.min(stated, most);
  const length = core ? 3 : 4;
  if (bytes.length < at + entries * length) throw new Error('it is cut off');
  const palette = new Uint8Array(most * 3);
  for (let i = 0; i < entries; i++) {
    for (let c = 0; c < 3; c++) palette[3 * i + c] = bytes[at + i * length + 2 - c] as number;
  }
  return palette;
}

/** Rows are filled up to 4 bytes. */
function readRows(bytes: Uint8Array, header: Header, pixels: Uint8Array): void {
  const { height, width, topDown, bits, offset } = header;
  const stride = Math.ceil((width * bits) / 32) * 4;
  if (bytes.length < offset + stride * (height - 1) + Math.ceil((width * bits) / 8)) {
    throw new Error('it is cut off');
  }
  const put = rowReader(bytes, header);
  for (let y = 0; y < height; y++) {
    const row = topDown ? y : height - 1 - y;
    put(offset + y * stride, pixels.subarray(row * width * 4, (row + 1) * width * 4));
  }
}

/** @returns fills a row of RGBA from the bytes that begin at a position */
function rowReader(bytes: Uint8Array, { width, bits, palette, masks }: Header) {
  if (bits <= 8) {
    const inByte = 8 / bits;
    const mask = (1 << bits) - 1;
    return (from: number, row: Uint8Array) => {
      for (let x = 0; x < width; x++) {
        const byte = bytes[from + Math.floor(x / inByte)] as number;
        const entry = (byte >> (8 - bits - (x % inByte) * bits)) & mask;
        setColour(row, 4 * x, palette, entry);
      }
    };
  }
  if (bits === 24) {
    return (from: number, row: Uint8Array) => {
      for (let x = 0; x < width; x++) {
        for (let c = 0; c < 3; c++) row[4 * x + c] = bytes[from + 3 * x + 2 - c] as number;
      }
    };
  }
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const channels = masks.map(channelReader);
  return (from: number, row: Uint8Array) => {
    for (let x = 0; x < width; x++) {
      const at = from + (x * bits) / 8;
      const value = bits === 16 ? data.getUint16(at, true) : data.getUint32(at, true);
      for (let c = 0; c < 4; c++) row[4 * x + c] = (channels[c] as (v: number) => number)(value);
    }
  };
}

/** The level, 0 to 255, in the bits of a mask; 255 where it has none. */
function channelReader(mask: number, channel: number): (value: number) => number {
  if (mask === 0) return () => (channel === 3 ? 255 : 0);
  const shift = 31 - Math.clz32(mask & -mask);
  const largest = mask >>> shift;
  return (value) => Math.round((((value & mask) >>> shift) * 255) / largest);
}

function setColour(pixels: Uint8Array, at: number, palette: Uint8Array, entry: number): void {
  for (let c = 0; c < 3; c++) pixels[at + c] = palette[3 * entry + c] as number;
}

/** RLE4 and RLE8. What no run reaches keeps the palette's first colour. */
function readRuns(bytes: Uint8Array, header: Header, pixels: Uint8Array): void {
  const { height, width, topDown, bits, palette } = header;
  for (let i = 0; i < height * width; i++) setColour(pixels, 4 * i, palette, 0);
  let [at, x, y] = [header.offset, 0, 0];
  const next = () => {
    if (at >= bytes.length) throw new Error('it is cut off');
    return bytes[at++] as number;
  };
  const put = (entry: number) => {
    const row = topDown ? y : height - 1 - y;
    if (x < width) setColour(pixels, 4 * (row * width + x), palette, entry);
    x++;
  };
  /** The i-th number of a run: a byte each, or half of one, the upper half first. */
  const entryOf = (byte: number, i: number) =>
    bits === 8 ? byte : i % 2 === 0 ? byte >> 4 : byte & 15;
  while (y < height) {
    const [count, value] = [next(), next()];
    if (count > 0) {
      for (let i = 0; i < count; i++) put(entryOf(value, i));
    } else if (value === 0) {
      [x, y] = [0, y + 1];
    } else if (value === 1) {
      return;
    } else if (value === 2) {
      [x, y] = [x + next(), y + next()];
    } else {
      const length = bits === 8 ? value : Math.ceil(value / 2);
      const run = Array.from({ length: length + (length % 2) }, next);
      for (let i = 0; i < value; i++) put(entryOf(run[bits === 8 ? i : i >> 1] as number, i));
    }
  }
}
