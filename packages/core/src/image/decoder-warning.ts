import { crc32 } from 'node:zlib';
import { reasonOf } from '../base/errors.ts';
import { imageFormat } from './format.ts';
import { jpegFrame, jpegStructure } from './jpeg-scans.ts';
import { sharp } from './libvips.ts';

/**
 * What a file that can be decoded has that libjpeg or libpng warn of, so that its picture may be
 * damaged or other programs may refuse it; undefined where there is nothing.
 *
 * libvips gathers messages in one place: the answer is this file's where nothing else is decoded
 * meanwhile. Whether there is one is right in any case.
 */
export async function decoderWarning(input: Uint8Array): Promise<string | undefined> {
  const format = imageFormat(input);
  if (format === 'jpeg') return jpegWarning(input);
  if (format === 'png') return pngWarning(input);
  if (format === 'gif' && input.at(-1) !== 0x3b && !gifEnds(input))
    return 'its end mark is missing';
  return undefined;
}

/** Of larger pictures what is left over is not looked at: they would take 6 bytes per pixel. */
const mostPixels = 12_000_000;

async function jpegWarning(input: Uint8Array): Promise<string | undefined> {
  const { ended, height, width } = jpegStructure(input);
  if (!ended) return 'its end mark (EOI) is missing';
  const bytes = height * width <= mostPixels ? readToTheEnd(input) : input;
  try {
    // All scans have been read when the first row comes.
    await sharp(bytes, { failOn: 'warning' })
      .extract({ left: 0, top: 0, width: 1, height: 1 })
      .pipelineColourspace('cmyk')
      .toColourspace('cmyk')
      .raw()
      .toBuffer();
    return undefined;
  } catch (error) {
    const text = reasonOf(error);
    return (
      /(Corrupt JPEG data: [^\n]*|premature end of JPEG[^\n]*)/i.exec(text)?.[1] ??
      'Corrupt JPEG data'
    );
  }
}

/**
 * libvips stops at the last row, so that libjpeg does not see what is left over, by which garbled
 * data shows. Where the header has more components than the first scan, libjpeg reads all scans
 * before the first row. The colours come out wrong; they are not looked at.
 */
function readToTheEnd(input: Uint8Array): Uint8Array {
  const frame = jpegFrame(input);
  if (!frame || frame.progressive || (frame.components !== 1 && frame.components !== 3))
    return input;
  const added = frame.components === 1 ? [200, 0x11, 0, 201, 0x11, 0] : [200, 0x11, 0];
  const { start, length } = frame;
  const header = Buffer.from(input.subarray(start, start + length));
  header.writeUInt16BE(length + added.length, 0);
  header[7] = frame.components + added.length / 3;
  return Buffer.concat([
    input.subarray(0, start),
    header,
    Buffer.from(added),
    input.subarray(start + length),
  ]);
}

/** Checks the chunks as libpng does where it reads all of them (PNG 1.2, section 3.2). */
function pngWarning(input: Uint8Array): string | undefined {
  const data = Buffer.from(input.buffer, input.byteOffset, input.length);
  for (let at = 8; at + 12 <= data.length; ) {
    const length = data.readUInt32BE(at);
    const name = data.toString('latin1', at + 4, at + 8);
    const end = at + 8 + length;
    if (end + 4 > data.length) break;
    if (crc32(data.subarray(at + 4, end)) !== data.readUInt32BE(end)) return `${name}: CRC error`;
    if (name === 'IEND') return undefined;
    at = end + 4;
  }
  return 'its end mark (IEND) is missing';
}

/** Whether a GIF file's blocks lead to the trailer (GIF89a, section 27); bytes after it are none of it. */
function gifEnds(data: Uint8Array): boolean {
  const table = (flags: number) => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
  const byte = (at: number) => data[at] ?? 0;
  let at = 13 + table(byte(10));
  while (at < data.length) {
    const kind = byte(at);
    if (kind === 0x3b) return true;
    if (kind === 0x2c) at += 11 + table(byte(at + 9));
    else if (kind === 0x21) at += 2;
    else return false;
    while (byte(at) > 0) at += byte(at) + 1;
    at++;
  }
  return false;
}
