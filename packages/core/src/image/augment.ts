import type { ViewTransform } from './view.ts';

/** Where each output position along one axis reads: `low` and `low + 1 (at most)`, in samples. */
interface Axis {
  readonly low: Int32Array;
  readonly high: Int32Array;
  /** Share of `high`. */
  readonly weight: Float64Array;
}

/**
 * Shifts and mirrors an image as Keras's ImageDataGenerator does for the same numbers:
 * `scipy.ndimage.affine_transform` with `order=1` (bilinear) and `mode='nearest'` (edges go on),
 * then the flip; rounded to whole levels at the end. A shift alone separates into rows and columns.
 *
 * @param pixels RGB, height x width x 3
 * @returns an array of its own, also where the transform changes nothing
 */
export function applyView(
  pixels: Uint8Array,
  size: { readonly height: number; readonly width: number },
  transform: ViewTransform,
): Uint8Array {
  const { height, width } = size;
  const { flip, shiftX, shiftY } = transform;
  if (shiftX === 0 && shiftY === 0 && !flip) return pixels.slice();
  const rows = axis(height, shiftY * height, false);
  const columns = axis(width, shiftX * width, flip);
  const output = new Uint8Array(height * width * 3);
  const line = new Float64Array(width * 3);
  for (let y = 0; y < height; y++) {
    blendRows(pixels, rows, y, line);
    blendColumns(line, columns, output.subarray(y * width * 3, (y + 1) * width * 3));
  }
  return output;
}

function axis(length: number, shift: number, mirrored: boolean): Axis {
  const low = new Int32Array(length);
  const high = new Int32Array(length);
  const weight = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const output = mirrored ? length - 1 - i : i;
    const position = Math.min(Math.max(i + shift, 0), length - 1);
    low[output] = Math.floor(position);
    high[output] = Math.min(Math.floor(position) + 1, length - 1);
    weight[output] = position - Math.floor(position);
  }
  return { low, high, weight };
}

function blendRows(pixels: Uint8Array, rows: Axis, y: number, line: Float64Array): void {
  const size = line.length;
  const weight = rows.weight[y] as number;
  const first = (rows.low[y] as number) * size;
  const second = (rows.high[y] as number) * size;
  for (let i = 0; i < size; i++) {
    const a = pixels[first + i] as number;
    line[i] = a + weight * ((pixels[second + i] as number) - a);
  }
}

function blendColumns(line: Float64Array, columns: Axis, output: Uint8Array): void {
  const width = columns.low.length;
  for (let x = 0; x < width; x++) {
    const first = (columns.low[x] as number) * 3;
    const second = (columns.high[x] as number) * 3;
    const weight = columns.weight[x] as number;
    for (let c = 0; c < 3; c++) {
      const a = line[first + c] as number;
      output[x * 3 + c] = a + weight * ((line[second + c] as number) - a) + 0.5;
    }
  }
}
