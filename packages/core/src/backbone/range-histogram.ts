import type { TensorRange } from '../onnx/index.ts';

const binCount = 2048;

/**
 * A histogram of magnitudes whose bins widen as larger numbers come: of how large numbers are, not
 * of how many there are of each.
 */
export class RangeHistogram {
  readonly #bins = new Float64Array(binCount);
  #top = 0;
  #least = 0;
  #most = 0;

  add(values: Float32Array): void {
    let [least, most] = [this.#least, this.#most];
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      if (value < least) least = value;
      else if (value > most) most = value;
    }
    this.#least = least;
    this.#most = most;
    this.#widen(Math.max(-least, most));
    if (this.#top === 0) return;
    const scale = binCount / this.#top;
    const bins = this.#bins;
    for (let i = 0; i < values.length; i++) {
      const magnitude = Math.abs(values[i] as number);
      const bin = Math.min(binCount - 1, Math.floor(magnitude * scale));
      bins[bin] = (bins[bin] as number) + 1;
    }
  }

  /** Doubles the width of the bins until `largest` fits. */
  #widen(largest: number): void {
    if (this.#top === 0) {
      this.#top = largest;
      return;
    }
    const bins = this.#bins;
    while (this.#top < largest) {
      for (let i = 0; i < binCount / 2; i++) {
        bins[i] = (bins[2 * i] as number) + (bins[2 * i + 1] as number);
      }
      bins.fill(0, binCount / 2);
      this.#top *= 2;
    }
  }

  /**
   * The range that loses least, as a mean square: a wider one rounds all numbers more, a narrower
   * one cuts the largest off.
   */
  range(): TensorRange {
    const width = this.#top / binCount;
    let best: TensorRange = { lower: this.#least, upper: this.#most };
    let least = Number.POSITIVE_INFINITY;
    // The number of values, and sums of them and their squares, in bins from the limit on.
    let [count, sum, squares] = [0, 0, 0];
    const total = this.#bins.reduce((all, n) => all + n, 0);
    for (let bin = binCount; bin >= binCount / 16; bin--) {
      if (bin < binCount) {
        const [n, middle] = [this.#bins[bin] as number, (bin + 0.5) * width];
        count += n;
        sum += n * middle;
        squares += n * middle * middle;
      }
      const limit = bin * width;
      const range = {
        lower: Math.max(this.#least, -limit),
        upper: Math.min(this.#most, limit),
      };
      const step = (range.upper - range.lower) / 255;
      const cut = squares - 2 * limit * sum + limit * limit * count;
      const error = cut + ((total - count) * step * step) / 12;
      if (error < least) [least, best] = [error, range];
    }
    return best;
  }
}
