const bandBits = 16;
const bandSize = 1 << bandBits;
const bands = 4;

/** The codes by their band's value: those of value v are codes[starts[v]] … in rising order. */
interface Table {
  readonly starts: Uint32Array;
  readonly codes: Uint32Array;
}

/** All numbers of 16 bits with at most two bits set. */
const masks = (() => {
  const single = Array.from({ length: bandBits }, (_, i) => 1 << i);
  const pairs = single.flatMap((a, i) => single.slice(i + 1).map((b) => a | b));
  return Int32Array.from([0, ...single, ...pairs]);
})();

/**
 * Finds codes of 64 bits that differ in few bits, by the multi-index hashing of M. Norouzi,
 * A. Punjani and D. Fleet, "Fast Search in Hamming Space with Multi-Index Hashing" (CVPR 2012):
 * of two codes that differ in at most 11 bits, one of the four bands of 16 bits differs in at most
 * two, and so stands in one of 137 places of the band's table.
 */
export class HammingIndex {
  readonly #low: Uint32Array;
  readonly #high: Uint32Array;
  readonly #tables: readonly Table[];
  readonly #seen: Uint32Array;

  /** @param low, high the codes' bits 0 to 31 and 32 to 63; no code twice */
  constructor(low: Uint32Array, high: Uint32Array) {
    this.#low = low;
    this.#high = high;
    this.#seen = new Uint32Array(low.length);
    this.#tables = Array.from({ length: bands }, (_, band) =>
      tableOf(Array.from(low, (_, i) => this.#band(i, band))),
    );
  }

  /** Calls `visit` for each code before `code` that differs in at most `radius` ≤ 11 bits. */
  before(code: number, radius: number, visit: (other: number) => void): void {
    const stamp = code + 1;
    for (let band = 0; band < bands; band++) {
      const { starts, codes } = this.#tables[band] as Table;
      const value = this.#band(code, band);
      for (const mask of masks) {
        const place = value ^ mask;
        const end = starts[place + 1] as number;
        for (let at = starts[place] as number; at < end; at++) {
          const other = codes[at] as number;
          if (other >= code) break;
          if (this.#seen[other] === stamp) continue;
          this.#seen[other] = stamp;
          if (this.#distance(code, other) <= radius) visit(other);
        }
      }
    }
  }

  #band(code: number, band: number): number {
    const half = (band < 2 ? this.#low[code] : this.#high[code]) as number;
    return band % 2 === 0 ? half & 0xffff : half >>> bandBits;
  }

  #distance(a: number, b: number): number {
    return (
      ones((this.#low[a] as number) ^ (this.#low[b] as number)) +
      ones((this.#high[a] as number) ^ (this.#high[b] as number))
    );
  }
}

function tableOf(bandValues: readonly number[]): Table {
  const starts = new Uint32Array(bandSize + 1);
  for (const value of bandValues) starts[value + 1] = (starts[value + 1] as number) + 1;
  for (let v = 0; v < bandSize; v++) {
    starts[v + 1] = (starts[v + 1] as number) + (starts[v] as number);
  }
  const next = starts.slice();
  const codes = new Uint32Array(bandValues.length);
  bandValues.forEach((value, code) => {
    const at = next[value] as number;
    codes[at] = code;
    next[value] = at + 1;
  });
  return { starts, codes };
}

/** How many bits of a 32-bit number are set. */
function ones(bits: number): number {
  let x = bits - ((bits >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  x = (x + (x >>> 4)) & 0x0f0f0f0f;
  return Math.imul(x, 0x01010101) >>> 24;
}
