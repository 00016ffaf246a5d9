import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkDataset, writeCheckPage } from '@headstart/core';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../util/workspace.ts';

/** Noise that is the same in every run. */
function noisy(side: number) {
  let state = 1;
  const pixels = Uint8Array.from({ length: side * side * 3 }, () => {
    state = (state * 48271) % 2147483647;
    return state & 255;
  });
  return sharp(pixels, { raw: { height: side, width: side, channels: 3 } });
}

describe('A file that decodes with warnings', () => {
  it('is named with the warning, and is still read', async () => {
    await using place = await temporaryFolder();
    const jpeg = await noisy(256).jpeg({ quality: 90 }).toBuffer();
    const progressive = await noisy(256).jpeg({ quality: 90, progressive: true }).toBuffer();
    const gray = await noisy(96).greyscale().jpeg().toBuffer();
    const png = await noisy(32).png().toBuffer();
    const gif = await noisy(32).gif().toBuffer();
    const half = (bytes: Buffer) => bytes.subarray(0, bytes.length / 2);
    const changed = (bytes: Buffer, at: number, count: number) => {
      const copy = Buffer.from(bytes);
      // 0xff would begin a marker.
      for (let i = 0; i < count; i++)
        copy[at + i] = ((i * 37 + 11) ^ (copy[at + i] as number)) & 0x7f;
      return copy;
    };
    const chunk = png.indexOf('pHYs') > 0 ? png.indexOf('pHYs') : png.indexOf('IEND');
    const files: Record<string, Buffer> = {
      'garbled.jpg': changed(jpeg, Math.floor(jpeg.length / 3), 9),
      'garbled-gray.jpg': changed(gray, Math.floor(gray.length / 2), 16),
      'cut-with-end.jpg': Buffer.concat([half(jpeg), Buffer.from([0xff, 0xd9])]),
      'cut-progressive.jpg': Buffer.concat([half(progressive), Buffer.from([0xff, 0xd9])]),
      'zeroed.jpg': Buffer.concat([half(jpeg), Buffer.alloc(jpeg.length / 2)]),
      'crc.png': changed(png, chunk + 4, 0),
      'no-end.gif': gif.subarray(0, -1),
    };
    (files['crc.png'] as Buffer)[png.length - 1] = (png.at(-1) as number) ^ 1;
    const good = {
      'good.jpg': jpeg,
      'good-progressive.jpg': progressive,
      'good-gray.jpg': gray,
      'good.png': png,
      'good.gif': gif,
    };
    for (const name of ['a', 'b']) await mkdir(join(place.path, 'data', name), { recursive: true });
    for (const [name, bytes] of Object.entries({ ...files, ...good })) {
      await writeFile(join(place.path, 'data/a', name), bytes);
    }
    await writeFile(join(place.path, 'data/b/other.jpg'), await noisy(64).jpeg().toBuffer());

    const report = await checkDataset(join(place.path, 'data'));
    expect(report.unreadable).toEqual([]);
    expect(Object.fromEntries(report.warned.map(({ name, warning }) => [name, warning]))).toEqual({
      'a/garbled.jpg': expect.stringMatching(/^Corrupt JPEG data: /),
      'a/garbled-gray.jpg': expect.stringMatching(/^Corrupt JPEG data: /),
      'a/cut-with-end.jpg': 'Corrupt JPEG data: premature end of data segment',
      'a/cut-progressive.jpg': 'Corrupt JPEG data: premature end of data segment',
      'a/zeroed.jpg': 'its end mark (EOI) is missing',
      'a/crc.png': 'IEND: CRC error',
      'a/no-end.gif': 'its end mark is missing',
    });
    const page = join(place.path, 'check.html');
    await writeCheckPage(page, report);
    expect(await readFile(page, 'utf8')).toContain('Files that decode with warnings: 7');
  });
});
