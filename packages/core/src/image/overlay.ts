import { bilinear } from '../base/bilinear.ts';
import type { Fit } from '../options/index.ts';
import { decodeImage } from './decode.ts';
import { describeImage } from './describe.ts';
import { sharp } from './libvips.ts';
import { placement, type Size } from './placement.ts';

/** A picture in its own proportions. */
export interface Picture extends Size {
  /** RGB, interleaved. */
  readonly pixels: Uint8Array;
  /** Of the file, after EXIF orientation. */
  readonly original: Size;
}

/** Heat over a grid that covers all of the backbone's input. */
export interface HeatGrid extends Size {
  /** [height, width], 0..1 */
  readonly values: Float32Array;
}

export interface OverlayOptions {
  /** The backbone's input, and how pictures came to it; heat lies where the backbone looked. */
  readonly input: Size & { readonly fit?: Fit | undefined };
  /** How much of the hottest place the colour covers, 0..1; default 0.65. */
  readonly alpha?: number | undefined;
}

/**
 * Reads a picture in its own proportions, its longer side at most `longest` pixels.
 *
 * @param name the file, for the message
 * @throws HeadstartError `IMAGE_UNREADABLE`
 */
export async function readPicture(
  input: Uint8Array,
  longest: number,
  name: string,
): Promise<Picture> {
  const { height, width } = await describeImage(input, name);
  const scale = Math.min(1, longest / Math.max(height, width));
  const scaled = (length: number) => Math.max(1, Math.round(length * scale));
  const size = { height: scaled(height), width: scaled(width) };
  return { ...size, pixels: await decodeImage(input, size, name), original: { height, width } };
}

/**
 * Draws heat over a picture: from violet through red to yellow, on a picture whose own colours are
 * subdued. What the backbone did not see, as `fit` cut it off, stays as it is.
 *
 * @returns RGB of the picture's size
 */
export function overlayHeat(picture: Picture, heat: HeatGrid, options: OverlayOptions): Uint8Array {
  const { input, alpha = 0.65 } = options;
  const { source, target } = placement(picture.original, input, input.fit ?? 'stretch');
  const axis = (side: 'height' | 'width', start: 'top' | 'left') =>
    Array.from({ length: picture[side] }, (_, i) => {
      const place = ((i + 0.5) / picture[side]) * picture.original[side];
      const share = (place - source[start]) / source[side];
      const onInput = target[start] + share * target[side];
      return {
        position: (onInput / input[side]) * heat[side] - 0.5,
        seen: share >= 0 && share <= 1 && onInput >= 0 && onInput <= input[side],
      };
    });
  const [rows, columns] = [axis('height', 'top'), axis('width', 'left')];
  const positions = (cells: typeof rows) => cells.map(({ position }) => position);
  const values = bilinear(heat, positions(rows), positions(columns));
  const output = picture.pixels.slice();
  for (const [y, row] of rows.entries()) {
    for (const [x, column] of columns.entries()) {
      const pixel = y * picture.width + x;
      if (row.seen && column.seen) paint(output, pixel * 3, values[pixel] as number, alpha);
    }
  }
  return output;
}

/** RGB as a PNG file. */
export function encodePng(pixels: Uint8Array, { height, width }: Size): Promise<Uint8Array> {
  return sharp(pixels, { raw: { height, width, channels: 3 } })
    .png()
    .toBuffer();
}

/** How much of a picture's own colour goes: heat must be seen on yellow flowers too. */
const subdued = 0.5;

/** Heat of this much and more is covered with all of the colour, less of it with less. */
const fullCover = 0.7;

/** Of Matplotlib's map "inferno", whose steps look equal: dark is cold, light is hot. */
const inferno = [
  [27, 12, 65],
  [120, 28, 109],
  [187, 55, 84],
  [237, 105, 37],
  [251, 180, 26],
  [252, 255, 164],
] as const;

/** [256, 3] */
const heatColours = Float32Array.from({ length: 256 * 3 }, (_, i) => {
  const step = (Math.floor(i / 3) / 255) * (inferno.length - 1);
  const below = Math.min(inferno.length - 2, Math.floor(step));
  const [from = 0, to = 0] = [inferno[below]?.[i % 3], inferno[below + 1]?.[i % 3]];
  return from + (to - from) * (step - below);
});

function paint(pixels: Uint8Array, at: number, heat: number, alpha: number): void {
  const [r, g, b] = [pixels[at] as number, pixels[at + 1] as number, pixels[at + 2] as number];
  const gray = 0.299 * r + 0.587 * g + 0.114 * b;
  const cover = alpha * Math.min(1, heat / fullCover);
  const colour = Math.round(heat * 255) * 3;
  for (let c = 0; c < 3; c++) {
    const base = (pixels[at + c] as number) * (1 - subdued) + gray * subdued;
    pixels[at + c] = Math.round(base + ((heatColours[colour + c] as number) - base) * cover);
  }
}
