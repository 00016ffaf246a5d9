import sharp from 'sharp';
import { expect, test } from 'vitest';
import { decodeImage, type Fit, type ResizeMethod } from '#core/image';

const [height, width] = [37, 91];
const levels = Uint8Array.from({ length: height * width * 3 }, (_, i) => (i * i * 7) % 253);
const file = await sharp(levels, { raw: { height, width, channels: 3 } })
  .png()
  .toBuffer();

/** A part of an image, black where there is none. */
function part(pixels: Uint8Array, size: readonly [number, number], top: number, left: number) {
  const [rows, columns] = size;
  return Uint8Array.from({ length: 16 * 20 * 3 }, (_, i) => {
    const y = Math.floor(i / 60) + top;
    const x = (Math.floor(i / 3) % 20) + left;
    const inside = y >= 0 && x >= 0 && y < rows && x < columns;
    return inside ? (pixels[(y * columns + x) * 3 + (i % 3)] as number) : 0;
  });
}

const methods: readonly ResizeMethod[] = ['nearest', 'bilinear', 'bicubic', 'lanczos'];
/** What comes of 91x37 before 20x16 are cut out of it, and where they begin: 24 * 91 / 37 is 59.03. */
const fits: readonly [Fit, [number, number], number, number][] = [
  ['shorter-24', [24, 59], 4, 20],
  ['shorter-24-floor', [24, 59], 4, 19],
  ['shorter-25', [25, 61], 4, 20],
  ['shorter-27-floor', [27, 66], 5, 23],
  ['shorter-27', [27, 66], 6, 23],
  ['stretch-25', [25, 25], 4, 2],
  ['stretch-17', [17, 17], 0, -1],
  ['shorter-9', [9, 22], -3, 1],
];

test.each(fits.flatMap((fit) => methods.map((method) => [method, ...fit] as const)))(
  '%s, %s: scaled as it would be alone, and then cut',
  async (resize, fit, size, top, left) => {
    const scaled = await decodeImage(file, { height: size[0], width: size[1], resize }, 'x.png');
    const cut = await decodeImage(file, { height: 16, width: 20, resize, fit }, 'x.png');
    expect(cut).toEqual(part(scaled, size, top, left));
  },
);

test('a picture a million times as wide as high is cut without being made', async () => {
  const line = await sharp({
    create: { height: 1, width: 1_000_000, channels: 3, background: '#406080' },
  })
    .png()
    .toBuffer();
  const options = { height: 224, width: 224, resize: 'bicubic', fit: 'shorter-256' } as const;
  const pixels = await decodeImage(line, options, 'line.png');
  expect([...pixels.subarray(0, 3)]).toEqual([0x40, 0x60, 0x80]);
});
