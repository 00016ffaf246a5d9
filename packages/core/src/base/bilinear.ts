/** A plane of numbers, row by row. */
export interface Plane {
  readonly height: number;
  readonly width: number;
  /** [height, width] */
  readonly values: Float32Array;
}

/**
 * The plane's values at every pair of a row and a column position: whole numbers are the centres of
 * its cells, and beyond the outermost centres the outermost values go on.
 *
 * @returns [rows, columns]
 */
export function bilinear(
  { height, width, values }: Plane,
  rows: readonly number[],
  columns: readonly number[],
): Float32Array {
  const across = columns.map((position) => between(position, width));
  const result = new Float32Array(rows.length * columns.length);
  for (const [y, position] of rows.entries()) {
    const down = between(position, height);
    const [above, below] = [down.low * width, down.high * width];
    for (let x = 0; x < across.length; x++) {
      const { low, high, share } = across[x] as Between;
      const upper = mixed(values, above + low, above + high, share);
      const lower = mixed(values, below + low, below + high, share);
      result[y * across.length + x] = upper + (lower - upper) * down.share;
    }
  }
  return result;
}

/** Two cells, and how far a position is on the way from one to the other. */
interface Between {
  readonly low: number;
  readonly high: number;
  readonly share: number;
}

function mixed(values: Float32Array, low: number, high: number, share: number): number {
  const first = values[low] as number;
  return first + ((values[high] as number) - first) * share;
}

function between(position: number, cells: number): Between {
  const inside = Math.min(cells - 1, Math.max(0, position));
  const low = Math.floor(inside);
  return { low, high: Math.min(cells - 1, low + 1), share: inside - low };
}
