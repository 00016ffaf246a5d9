import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HeadstartError } from '@headstart/core';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeImage, readThumbnail, unreadableKind } from '#core/image';
import { manyScans } from '../../util/many-scans.ts';
import { temporaryFolder } from '../../util/workspace.ts';

interface OddImage {
  readonly file: string;
  readonly size?: readonly [number, number];
  readonly pixels?: string;
}

/** Made by test/fixtures/scripts/odd-images.py, with what Pillow 12 reads. */
const odd = JSON.parse(
  readFileSync(new URL('../../fixtures/image/odd.json', import.meta.url), 'utf8'),
) as Record<string, OddImage>;
const bytesOf = (name: string) => Buffer.from((odd[name] as OddImage).file, 'base64');

async function refusal(bytes: Uint8Array, maxPixels?: number): Promise<HeadstartError> {
  const error = await decodeImage(bytes, { height: 8, width: 8, maxPixels }, 'file').then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(HeadstartError);
  expect((error as HeadstartError).code).toBe('IMAGE_UNREADABLE');
  return error as HeadstartError;
}

describe('Image files of unusual kinds', () => {
  const readable = Object.keys(odd).filter((name) => odd[name]?.pixels !== undefined);

  it.each(readable)('%s has the pixels that Pillow reads, within 1 level', async (name) => {
    const { size = [0, 0], pixels = '' } = odd[name] as OddImage;
    const [height, width] = size;
    const decoded = await decodeImage(bytesOf(name), { height, width, resize: 'nearest' }, name);
    const right = Buffer.from(pixels, 'base64');
    const largest = decoded.reduce(
      (most, level, i) => Math.max(most, Math.abs(level - (right[i] as number))),
      0,
    );
    expect(largest).toBeLessThanOrEqual(1);
    const { image } = await readThumbnail(bytesOf(name), { height: 4, width: 4 }, name);
    expect(image).toMatchObject({ height, width });
  });

  it.each([
    ['float32.tif', 'floating-point numbers of 32 bits'],
    ['float64.tif', 'floating-point numbers of 64 bits'],
    ['int16.tif', 'signed integers of 16 bits'],
    ['int32.tif', 'signed integers of 32 bits'],
    ['uint32.tif', 'a TIFF of 32 bits'],
    ['lab.tif', 'Lab colours'],
    ['extra-two.tif', 'a TIFF of 5 channels, 2 more'],
    ['extra-alpha-and-one.tif', 'a TIFF of 5 channels, 2 more'],
    ['gray-extra-two.tif', 'a TIFF of 3 channels, 2 more'],
    ['bands-7.tif', 'a TIFF of 7 channels, 6 more'],
    ['planar-ycbcr-jpeg.tif', 'separate planes of YCbCr'],
    ['sequence-only.avif', 'an AVIF sequence without a still picture'],
  ])('%s is refused for what it is, and not called damaged', async (name, reason) => {
    const error = await refusal(bytesOf(name));
    expect(error.message).toContain(reason);
    expect(error.message).not.toContain('damaged');
    expect(unreadableKind(error)).toBe('format');
  });

  it('a BMP file is refused where it is cut off, or larger than the limit by its header', async () => {
    const file = bytesOf('rgb24.bmp');
    for (const length of [20, 50, 60, file.length - 40]) {
      expect((await refusal(file.subarray(0, length))).message).toContain('it is cut off');
    }
    expect((await refusal(file, 13 * 9 - 1)).message).toContain('more than 116 pixels');
    const huge = Buffer.from(file);
    huge.writeInt32LE(2 ** 30, 18);
    expect((await refusal(huge)).message).toContain('more than 100000000 pixels');
    for (const name of ['rle8.bmp', 'rle4.bmp']) {
      expect((await refusal(bytesOf(name).subarray(0, -30))).message).toContain('it is cut off');
    }
  });
});

describe('A format is recognized strictly', () => {
  const svg = (start: string) =>
    Buffer.from(`${start}<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>`, 'latin1');

  it.each([
    ['a WebP mark inside SVG', Buffer.from('<svg a="WEBP" width="9" height="9"></svg>')],
    ['an AVIF mark in a comment', svg('<!--ftypavif-->')],
    ['an AVIF box of a size that it does not have', svg('\0\0\xff\xf0ftypavif\0\0\0\0')],
    ['an AVIF box that is not a multiple of 4', svg('\0\0\0\x12ftypavif\0\0\0\0mi')],
    ['a JPEG mark of two bytes', svg('\xff\xd8')],
  ])('%s is not read as SVG', async (_, bytes) => {
    const error = await refusal(bytes);
    expect(unreadableKind(error)).toBe('format');
    const thumbnail = readThumbnail(bytes, { height: 4, width: 4 }, 'file');
    await expect(thumbnail).rejects.toThrow('Cannot read the image file');
  });

  it('and what libvips takes for another format is refused', async () => {
    const webp = Buffer.from('RIFF\0\0\0\0WEBP<svg width="9" height="9"></svg>', 'latin1');
    const box = svg('\0\0\0\x14ftypavif\0\0\0\0mif1');
    for (const bytes of [webp, box]) await refusal(bytes);
  });

  it('the decoder of libvips’s own format is closed', async () => {
    await using place = await temporaryFolder();
    const file = join(place.path, 'picture.v');
    const create = { height: 4, width: 4, channels: 3 as const, background: '#369' };
    await sharp({ create }).toFile(file);
    await expect(sharp(file).metadata()).rejects.toThrow('unsupported image format');
  });
});

describe('The work of decoding a JPEG', () => {
  it('is bounded: 820 scans of 49 megapixels are refused before they are decoded', async () => {
    const error = await refusal(manyScans(7000, 820));
    expect(error.message).toContain('7000x7000 pixels in 820 scans');
    expect(unreadableKind(error)).toBe('pixels');
  });

  it('goes by pixels and scans: a small picture in 820 scans is read', async () => {
    const pixels = await decodeImage(manyScans(64, 820), { height: 8, width: 8 }, 'small.jpg');
    expect([...pixels]).toEqual(new Array(192).fill(128));
  });

  it('leaves room for large progressive pictures', async () => {
    const blank = {
      create: { width: 9000, height: 9000, channels: 3 as const, background: '#369' },
    };
    const file = await sharp(blank).jpeg({ progressive: true }).toBuffer();
    const pixels = await decodeImage(file, { height: 2, width: 2 }, 'large.jpg');
    expect(pixels[0]).toBeGreaterThan(0x2f);
  });
});
