/** Height and width of the picture that a fingerprint is made of. */
export const fingerprintInput = 32;

const grid = 16;
const cells = grid * grid;
const channels = 3;
const values = cells * channels;

/** Below this many levels of contrast, a picture is one colour with noise. */
const leastContrast = 2;

/**
 * What pictures are compared by: 64 bits that near duplicates have nearly alike, and a copy of
 * 16x16 pixels in RGB that decides. 800 bytes per picture.
 */
export class Fingerprints {
  readonly count: number;
  /** The perceptual hash's bits 0 to 31 and 32 to 63. */
  readonly low: Uint32Array;
  readonly high: Uint32Array;
  readonly #pixels: Uint8Array;
  /** Mean level of each channel. */
  readonly #means: Float64Array;
  /** Length of the picture as a vector, channels centred; 0 where there is no picture. */
  readonly #norms: Float64Array;

  constructor(count: number) {
    this.count = count;
    this.low = new Uint32Array(count);
    this.high = new Uint32Array(count);
    this.#pixels = new Uint8Array(count * values);
    this.#means = new Float64Array(count * channels);
    this.#norms = new Float64Array(count);
  }

  /** @param rgb 32 x 32 x 3, interleaved */
  set(index: number, rgb: Uint8Array): void {
    [this.low[index], this.high[index]] = perceptualHash(rgb) as [number, number];
    const pixels = this.#pixels.subarray(index * values, (index + 1) * values);
    halve(rgb, pixels);
    let squares = 0;
    const sums = [0, 0, 0];
    for (let i = 0; i < values; i++) {
      const level = pixels[i] as number;
      sums[i % channels] = (sums[i % channels] as number) + level;
      squares += level * level;
    }
    for (let c = 0; c < channels; c++) {
      const mean = (sums[c] as number) / cells;
      this.#means[index * channels + c] = mean;
      squares -= cells * mean * mean;
    }
    this.#norms[index] = Math.sqrt(Math.max(0, squares));
  }

  /** Whether there is a picture with something on it. */
  isPicture(index: number): boolean {
    return this.contrast(index) >= leastContrast;
  }

  /** Standard deviation of the levels within a channel. */
  contrast(index: number): number {
    return (this.#norms[index] as number) / Math.sqrt(values);
  }

  /**
   * How alike two pictures are: the correlation of their pixels, each channel about its own mean,
   * from -1 to 1; `difference` is the root mean square of the pixels' difference in levels.
   */
  compare(a: number, b: number): { readonly correlation: number; readonly difference: number } {
    const pixels = this.#pixels;
    let product = 0;
    for (let i = a * values, j = b * values, end = i + values; i < end; i++, j++) {
      product += (pixels[i] as number) * (pixels[j] as number);
    }
    let [means, shift] = [0, 0];
    for (let c = 0; c < channels; c++) {
      const [x, y] = [this.#means[a * channels + c], this.#means[b * channels + c]];
      means += (x as number) * (y as number);
      shift += ((x as number) - (y as number)) ** 2;
    }
    const centred = product - cells * means;
    const [x, y] = [this.#norms[a] as number, this.#norms[b] as number];
    const squares = x * x + y * y - 2 * centred + cells * shift;
    return {
      correlation: x * y === 0 ? 0 : Math.min(1, centred / (x * y)),
      difference: Math.sqrt(Math.max(0, squares) / values),
    };
  }
}

/** Means of 2x2 pixels. */
function halve(rgb: Uint8Array, to: Uint8Array): void {
  const row = fingerprintInput * channels;
  for (let y = 0; y < grid; y++) {
    for (let x = 0; x < grid; x++) {
      const from = 2 * y * row + 2 * x * channels;
      for (let c = 0; c < channels; c++) {
        const at = from + c;
        const sum =
          (rgb[at] as number) +
          (rgb[at + channels] as number) +
          (rgb[at + row] as number) +
          (rgb[at + row + channels] as number);
        to[(y * grid + x) * channels + c] = Math.round(sum / 4);
      }
    }
  }
}

const frequencies = 8;

/** cosines[k - 1][x]: the k-th function of the DCT-II on 32 points, k = 1 … 8. */
const cosines = Array.from({ length: frequencies }, (_, k) =>
  Float64Array.from({ length: fingerprintInput }, (_, x) =>
    Math.cos(((2 * x + 1) * (k + 1) * Math.PI) / (2 * fingerprintInput)),
  ),
);

/**
 * The DCT-based perceptual hash of C. Zauner, "Implementation and Benchmarking of Perceptual Image
 * Hash Functions" (2010), section 3.2.1: of the gray picture of 32x32, the 8x8 lowest frequencies
 * without the constant ones; a bit is set where one is above their median.
 *
 * @returns bits 0 to 31 and bits 32 to 63
 */
export function perceptualHash(rgb: Uint8Array): readonly [number, number] {
  const n = fingerprintInput;
  const rows = new Float64Array(n * frequencies);
  for (let y = 0; y < n; y++) {
    for (let x = 0; x < n; x++) {
      const at = (y * n + x) * channels;
      const gray =
        0.299 * (rgb[at] as number) +
        0.587 * (rgb[at + 1] as number) +
        0.114 * (rgb[at + 2] as number);
      for (let k = 0; k < frequencies; k++) {
        const i = y * frequencies + k;
        rows[i] = (rows[i] as number) + gray * ((cosines[k] as Float64Array)[x] as number);
      }
    }
  }
  const coefficients = new Float64Array(frequencies * frequencies);
  for (let j = 0; j < frequencies; j++) {
    for (let k = 0; k < frequencies; k++) {
      let sum = 0;
      for (let y = 0; y < n; y++) {
        sum += (rows[y * frequencies + k] as number) * ((cosines[j] as Float64Array)[y] as number);
      }
      coefficients[j * frequencies + k] = sum;
    }
  }
  return bitsAboveMedian(coefficients);
}

function bitsAboveMedian(coefficients: Float64Array): [number, number] {
  const sorted = coefficients.slice().sort();
  const middle = sorted.length / 2;
  const median = ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
  let [low, high] = [0, 0];
  for (let i = 0; i < 32; i++) {
    if ((coefficients[i] as number) > median) low |= 1 << i;
    if ((coefficients[i + 32] as number) > median) high |= 1 << i;
  }
  return [low >>> 0, high >>> 0];
}
