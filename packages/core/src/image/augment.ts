import { type ViewTransform, viewId } from './view.ts';

/** Where each output position along one axis reads: `low` and `low + 1 (at most)`, in samples. */
interface Axis {
  readonly low: Int32Array;
  readonly high: Int32Array;
  /** Share of `high`. */
  readonly weight: Float64Array;
}

/**
 * Changes an image as Keras's ImageDataGenerator does for the same numbers:
 * `scipy.ndimage.affine_transform` with `order=1` (bilinear) and `mode='nearest'` (edges go on),
 * then flip and brightness; rounded to whole levels once, at the end. Shifts and zooms separate into
 * rows and columns.
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
  if (viewId(transform) === 'plain') return pixels.slice();
  const { flip, shiftX, shiftY, rotation = 0, zoomX = 1, zoomY = 1, brightness = 1 } = transform;
  const output = new Uint8ClampedArray(height * width * 3);
  if (rotation !== 0) {
    turn(pixels, size, transform, output);
    return new Uint8Array(output.buffer);
  }
  const rows = axis(height, { shift: shiftY * height, zoom: zoomY, mirrored: false });
  const columns = axis(width, { shift: shiftX * width, zoom: zoomX, mirrored: flip });
  const line = new Float64Array(width * 3);
  for (let y = 0; y < height; y++) {
    blendRows(pixels, rows, y, line);
    const levels = output.subarray(y * width * 3, (y + 1) * width * 3);
    blendColumns(line, columns, brightness, levels);
  }
  return new Uint8Array(output.buffer);
}

interface AxisOptions {
  /** In samples. */
  readonly shift: number;
  readonly zoom: number;
  readonly mirrored: boolean;
}

function axis(length: number, { shift, zoom, mirrored }: AxisOptions): Axis {
  const centre = (length - 1) / 2;
  const low = new Int32Array(length);
  const high = new Int32Array(length);
  const weight = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const output = mirrored ? length - 1 - i : i;
    // Without a zoom exactly i + shift.
    const from = zoom === 1 ? i + shift : centre + zoom * (i - centre) + shift;
    const position = Math.min(Math.max(from, 0), length - 1);
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

function blendColumns(
  line: Float64Array,
  columns: Axis,
  brightness: number,
  output: Uint8ClampedArray,
): void {
  const width = columns.low.length;
  for (let x = 0; x < width; x++) {
    const first = (columns.low[x] as number) * 3;
    const second = (columns.high[x] as number) * 3;
    const weight = columns.weight[x] as number;
    for (let c = 0; c < 3; c++) {
      const a = line[first + c] as number;
      const level = a + weight * ((line[second + c] as number) - a);
      output[x * 3 + c] = Math.floor(level * brightness + 0.5);
    }
  }
}

/** The general case: every pixel from the four around where it comes from. */
function turn(
  pixels: Uint8Array,
  { height, width }: { readonly height: number; readonly width: number },
  transform: ViewTransform,
  output: Uint8ClampedArray,
): void {
  const { flip, shiftX, shiftY, rotation = 0, zoomX = 1, zoomY = 1, brightness = 1 } = transform;
  const angle = (rotation * Math.PI) / 180;
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const [centreX, centreY] = [(width - 1) / 2, (height - 1) / 2];
  for (let y = 0; y < height; y++) {
    const v = zoomY * (y - centreY) + shiftY * height;
    for (let x = 0; x < width; x++) {
      const u = zoomX * (x - centreX) + shiftX * width;
      const fromX = Math.min(Math.max(centreX + cosine * u - sine * v, 0), width - 1);
      const fromY = Math.min(Math.max(centreY + sine * u + cosine * v, 0), height - 1);
      const [left, top] = [Math.floor(fromX), Math.floor(fromY)];
      const [right, bottom] = [Math.min(left + 1, width - 1), Math.min(top + 1, height - 1)];
      const [shareX, shareY] = [fromX - left, fromY - top];
      const at = (y * width + (flip ? width - 1 - x : x)) * 3;
      for (let c = 0; c < 3; c++) {
        const level = (row: number, column: number) =>
          pixels[(row * width + column) * 3 + c] as number;
        const upper = level(top, left) + shareX * (level(top, right) - level(top, left));
        const lower = level(bottom, left) + shareX * (level(bottom, right) - level(bottom, left));
        output[at + c] = Math.floor((upper + shareY * (lower - upper)) * brightness + 0.5);
      }
    }
  }
}
