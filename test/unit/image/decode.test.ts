import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HeadstartError } from '@headstart/core';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeImage, readThumbnail, unreadableReason } from '#core/image';
import { sharedPath } from '../../util/shared.ts';

/** Four quarters of one colour each: any turn or mirroring shows. */
function quarters(height: number, width: number): Uint8Array {
  const colours = [
    [230, 30, 40],
    [30, 200, 60],
    [40, 60, 220],
    [240, 220, 50],
  ];
  const pixels = new Uint8Array(height * width * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const quarter = (y < height / 2 ? 0 : 2) + (x < width / 2 ? 0 : 1);
      pixels.set(colours[quarter] as number[], (y * width + x) * 3);
    }
  }
  return pixels;
}

function pixelAt(pixels: Uint8Array, width: number, y: number, x: number): number[] {
  return [...pixels.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
}

function largestDifference(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((largest, level, i) => Math.max(largest, Math.abs(level - (b[i] as number))), 0);
}

async function refusal(input: Uint8Array, maxPixels?: number): Promise<HeadstartError> {
  const error = await decodeImage(input, { height: 8, width: 8, maxPixels }, 'file.jpg').then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(HeadstartError);
  expect((error as HeadstartError).code).toBe('IMAGE_UNREADABLE');
  return error as HeadstartError;
}

const raw = (height: number, width: number, channels: 1 | 3 | 4 = 3) => ({
  raw: { height, width, channels },
});

describe('Decoding an image', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'applies EXIF orientation %i: the picture is the same within 3 levels',
    async (orientation) => {
      const [height, width] = [64, 96];
      const upright = quarters(height, width);
      // What a camera stores: the inverse of what a viewer must do (sharp flips before it turns).
      let stored = sharp(upright, raw(height, width));
      if (orientation === 2) stored = stored.flop();
      if (orientation === 3) stored = stored.rotate(180);
      if (orientation === 4) stored = stored.flip();
      if (orientation === 5) stored = stored.rotate(90).flip();
      if (orientation === 6) stored = stored.rotate(270);
      if (orientation === 7) stored = stored.rotate(270).flip();
      if (orientation === 8) stored = stored.rotate(90);
      const turned = await stored.png().toBuffer();
      const file = await sharp(turned)
        .withMetadata({ orientation })
        .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
        .toBuffer();
      const pixels = await decodeImage(file, { height, width }, 'turned.jpg');
      expect(largestDifference(pixels, upright)).toBeLessThanOrEqual(3);
      const nearest = await decodeImage(file, { height, width, resize: 'nearest' }, 'turned.jpg');
      expect(largestDifference(nearest, upright)).toBeLessThanOrEqual(3);
    },
  );

  it('blends alpha on white', async () => {
    const half = new Uint8Array([255, 0, 0, 128, 0, 0, 0, 0, 10, 20, 30, 255, 0, 0, 255, 128]);
    const file = await sharp(half, raw(2, 2, 4))
      .png()
      .toBuffer();
    const pixels = await decodeImage(file, { height: 2, width: 2, resize: 'nearest' }, 'alpha.png');
    expect(
      largestDifference(
        pixels,
        new Uint8Array([255, 127, 127, 255, 255, 255, 10, 20, 30, 127, 127, 255]),
      ),
    ).toBeLessThanOrEqual(1);
  });

  it('turns gray into three equal channels', async () => {
    const file = await sharp(new Uint8Array([0, 90, 180, 255]), raw(2, 2, 1))
      .toColourspace('b-w')
      .png()
      .toBuffer();
    const pixels = await decodeImage(file, { height: 2, width: 2, resize: 'nearest' }, 'gray.png');
    expect([...pixels]).toEqual([0, 0, 0, 90, 90, 90, 180, 180, 180, 255, 255, 255]);
  });

  it('turns 16 bit into 8 bit', async () => {
    const file = await sharp(quarters(8, 8), raw(8, 8)).toColourspace('rgb16').png().toBuffer();
    expect((await sharp(file).metadata()).depth).toBe('ushort');
    const pixels = await decodeImage(file, { height: 8, width: 8 }, 'deep.png');
    expect(largestDifference(pixels, quarters(8, 8))).toBeLessThanOrEqual(1);
  });

  it('turns CMYK into RGB', async () => {
    const file = await sharp(quarters(32, 32), raw(32, 32))
      .toColourspace('cmyk')
      .jpeg({ quality: 100 })
      .toBuffer();
    expect((await sharp(file).metadata()).space).toBe('cmyk');
    const pixels = await decodeImage(file, { height: 32, width: 32 }, 'print.jpg');
    const [red = 0, green = 0, blue = 0] = pixelAt(pixels, 32, 4, 4);
    expect(red).toBeGreaterThan(150);
    expect(Math.max(green, blue)).toBeLessThan(110);
  });

  it('takes the first frame of an animation', async () => {
    const frames = new Uint8Array(8 * 16 * 3).fill(200, 8 * 8 * 3);
    const file = await sharp(frames, { raw: { height: 16, width: 8, channels: 3, pageHeight: 8 } })
      .webp({ lossless: true, loop: 0 })
      .toBuffer();
    expect((await sharp(file).metadata()).pages).toBe(2);
    const pixels = await decodeImage(file, { height: 8, width: 8 }, 'moving.webp');
    expect(Math.max(...pixels)).toBe(0);
  });

  it('stretches to the size asked for', async () => {
    const file = await sharp(quarters(10, 40), raw(10, 40)).png().toBuffer();
    const pixels = await decodeImage(file, { height: 20, width: 20 }, 'wide.png');
    expect(pixels.length).toBe(20 * 20 * 3);
    expect(pixelAt(pixels, 20, 2, 2)).toEqual([230, 30, 40]);
    expect(pixelAt(pixels, 20, 17, 17)).toEqual([240, 220, 50]);
  });

  it('goes by the content, whatever the name', async () => {
    const file = await sharp(quarters(8, 8), raw(8, 8)).png().toBuffer();
    const pixels = await decodeImage(file, { height: 8, width: 8 }, 'really-a-png.jpg');
    expect(pixels).toEqual(quarters(8, 8));
  });

  it('refuses what it cannot read in one sentence that names the file', async () => {
    const error = await refusal(new Uint8Array());
    expect(error.message).toBe('Cannot read the image file.jpg: the file is empty.');
    expect(unreadableReason(error)).toBe('the file is empty');
  });

  it('refuses a cut-off file', async () => {
    const file = await sharp(quarters(200, 200), raw(200, 200)).jpeg().toBuffer();
    const error = await refusal(file.subarray(0, file.length / 2));
    expect(error.message).toContain('cut off');
  });

  it('refuses SVG by its content, which could name other files', async () => {
    const svg =
      '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';
    expect((await refusal(Buffer.from(svg))).message).toContain('SVG');
  });

  it('refuses formats it recognizes but cannot read, by name', async () => {
    expect((await refusal(Buffer.from('8BPS'))).message).toContain('PSD');
    const heic = Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1');
    expect((await refusal(heic)).message).toContain('HEIC');
  });

  it('refuses text', async () => {
    expect((await refusal(Buffer.from('hello'))).message).toContain('not an image format');
  });

  it('refuses more pixels than the limit, by the header alone', async () => {
    const file = await sharp(quarters(50, 50), raw(50, 50)).png().toBuffer();
    expect((await refusal(file, 2499)).message).toContain('more than 2499 pixels');
    await expect(
      decodeImage(file, { height: 8, width: 8, maxPixels: 2500 }, 'file.png'),
    ).resolves.toHaveLength(192);
  });

  it('reads pictures too large to be decoded in parallel', async () => {
    const blank = {
      create: { width: 6000, height: 4000, channels: 3 as const, background: '#123456' },
    };
    const file = await sharp(blank).png().toBuffer();
    const both = await Promise.all(
      [1, 2].map((i) => decodeImage(file, { height: 4, width: 4 }, `large ${i}`)),
    );
    for (const pixels of both) expect(pixelAt(pixels, 4, 2, 2)).toEqual([0x12, 0x34, 0x56]);
  });
});

const awkward = sharedPath('data/awkward');

describe.skipIf(!awkward)('Files that break image readers', () => {
  const folder = awkward as string;
  const [, ...lines] = awkward
    ? readFileSync(join(folder, 'MANIFEST.tsv'), 'utf8').trim().split('\n')
    : [];
  const files = lines
    .map((line) => line.split('\t'))
    .map((f) => ({ name: f[0] as string, expect: f[6] as string }));

  it('are decoded or refused with a reason, with bounded memory', async () => {
    for (const { name, expect: expected } of files) {
      const bytes = readFileSync(join(folder, name));
      const outcome = await decodeImage(bytes, { height: 224, width: 224 }, name).then(
        (pixels) => pixels.length,
        (error: unknown) => (error as HeadstartError).code,
      );
      expect([224 * 224 * 3, 'IMAGE_UNREADABLE'], name).toContain(outcome);
      if (/^opens/.test(expected)) expect(outcome, name).toBe(224 * 224 * 3);
      if (mustBeRefused(name, expected)) expect(outcome, name).toBe('IMAGE_UNREADABLE');
    }
    expect(process.resourceUsage().maxRSS / 1024).toBeLessThan(1500);
  });

  /** Two that the list would rather see refused are read safely: their faults are beside the picture. */
  function mustBeRefused(name: string, expected: string): boolean {
    const harmless = [
      'pillow-unknown_compression_method.png',
      'pillow-decompression_bomb_extents.gif',
    ];
    return /^must be refused/.test(expected) && !harmless.some((end) => name.endsWith(end));
  }

  it.each(['Landscape', 'Portrait'])('look alike in all 8 orientations (%s)', async (scene) => {
    const pictures = await Promise.all(
      [1, 2, 3, 4, 5, 6, 7, 8].map((i) => {
        const name = `exif-orientation/sharp-${scene}_${i}.jpg`;
        return decodeImage(readFileSync(join(folder, name)), { height: 64, width: 64 }, name);
      }),
    );
    // Each has its number painted into it, so they are equal on average, not everywhere.
    for (const picture of pictures) {
      const total = picture.reduce(
        (sum, v, i) => sum + Math.abs(v - (pictures[0]?.[i] as number)),
        0,
      );
      expect(total / picture.length).toBeLessThan(3);
    }
  });
});

/** A picture with a profile that is nearly sRGB: applying it changes some pixels by one level. */
async function nearlySrgb(): Promise<Buffer> {
  const pixels = Uint8Array.from({ length: 40 * 30 * 3 }, (_, i) => (i * 7) % 256);
  const file = await sharp(pixels, raw(40, 30)).withIccProfile('srgb').jpeg().toBuffer();
  const { icc = Buffer.alloc(0) } = await sharp(file).metadata();
  const redness = icc.readUInt32BE(icc.indexOf('rXYZ') + 4) + 8;
  const changed = Math.round(icc.readInt32BE(redness) * 1.004);
  file.writeInt32BE(changed, file.indexOf(icc) + redness);
  return file;
}

describe('A JPEG file with a profile that is nearly sRGB', () => {
  const size = { height: 40, width: 30 };
  const segmentsOf = (file: Buffer): Buffer[] => {
    const found: Buffer[] = [];
    for (let at = 2; file[at + 1] !== 0xda; ) {
      const end = at + 2 + file.readUInt16BE(at + 2);
      found.push(file.subarray(at, end));
      at = end;
    }
    return found;
  };
  const isProfile = (segment: Buffer) => segment[1] === 0xe2;
  const places: [string, (segments: Buffer[]) => Buffer[]][] = [
    ['after fill bytes', (all) => all.flatMap((one) => [Buffer.alloc(2, 0xff), one])],
    [
      'after the frame header',
      (all) => [...all.filter((one) => !isProfile(one)), ...all.filter(isProfile)],
    ],
  ];

  it.each(places)('has the same pixels whatever was read before: %s', async (_, arrange) => {
    const file = await nearlySrgb();
    const segments = segmentsOf(file);
    const scan = file.subarray(Buffer.concat(segments).length + 2);
    const odd = Buffer.concat([file.subarray(0, 2), ...arrange(segments), scan]);
    const first = await decodeImage(odd, size, 'odd.jpg');
    const ignored = await decodeImage(file, { ...size, ignoreProfile: true }, 'file.jpg');
    const applied = await decodeImage(file, { ...size, ignoreProfile: false }, 'file.jpg');
    expect(largestDifference(applied, ignored)).toBe(1);
    expect(await decodeImage(file, size, 'file.jpg')).toEqual(ignored);
    expect(await decodeImage(odd, size, 'odd.jpg')).toEqual(first);
    expect(first).toEqual(ignored);
  });
});

describe('A thumbnail', () => {
  it.each([
    ['srgb', 2],
    ['p3', 0],
  ])('has the colours of the picture, whose profile is %s', async (profile, most) => {
    const file = await sharp(quarters(96, 96), { raw: { height: 96, width: 96, channels: 3 } })
      .withIccProfile(profile)
      .jpeg({ quality: 95 })
      .toBuffer();
    const size = { height: 32, width: 32 };
    const { image, pixels } = await readThumbnail(file, size, 'quarters.jpg');
    expect(image).toMatchObject({ format: 'jpeg', height: 96, width: 96, colour: 'rgb' });
    const right = await decodeImage(file, size, 'quarters.jpg');
    expect(largestDifference(pixels, right)).toBeLessThanOrEqual(most);
    // What it would be without regard to the profile.
    const ignored = await decodeImage(file, { ...size, ignoreProfile: true }, 'quarters.jpg');
    expect(largestDifference(ignored, right) > 10).toBe(profile === 'p3');
  });
});
