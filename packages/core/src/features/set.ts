import { HeadstartError } from '../base/errors.ts';
import type { OperationOptions } from '../base/operation.ts';

export type FeatureDtype = 'float32' | 'float16';

/** Numbers of consecutive rows: float32, or the bits of float16. */
export type FeatureRows = Float32Array | Uint16Array;

export interface ChunkOptions extends OperationOptions {
  /** Which rows, in this order, repeats allowed; default: all, from 0. */
  readonly rows?: readonly number[] | undefined;
}

/** One image of a feature set. */
export interface FeatureSample {
  readonly name: string;
  /** SHA-256 of the image file, where known. */
  readonly hash?: string | undefined;
  readonly label: number;
  /** What it must not be parted from in cross-validation. */
  readonly group?: string | undefined;
  /** The row of each of its views, in the order asked for; rows may repeat within and between samples. */
  readonly rows: readonly number[];
}

/** Features of labelled images: a table of rows, and which sample uses which. */
export interface FeatureSet {
  /** Of one row: [height, width, channels], NHWC as in Keras, or [D]. */
  readonly shape: readonly number[];
  readonly dtype: FeatureDtype;
  readonly classes?: readonly string[] | undefined;
  readonly samples: readonly FeatureSample[];
  readonly rowCount: number;
  /** Where the rows lie one after the other in a file, if they do: `offset` bytes from its start. */
  readonly file?: { readonly path: string; readonly offset: number } | undefined;
  /**
   * Rows in order, some at a time; never holds them all where they come from a file or a cache. What
   * is given out is valid until the next is asked for: its memory may be used again.
   */
  chunks(options?: ChunkOptions): AsyncIterable<FeatureRows>;
}

/** About how many bytes one chunk has. */
const chunkBytes = 4 * 1024 * 1024;

/** How many rows a chunk has: at least one. */
export function rowsPerChunk(rowBytes: number): number {
  return Math.max(1, Math.floor(chunkBytes / rowBytes));
}

/** Numbers in one row. */
export function rowLength(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** Room for `count` numbers. */
export function allocateRows(dtype: FeatureDtype, count: number): FeatureRows {
  return dtype === 'float16' ? new Uint16Array(count) : new Float32Array(count);
}

/** A set whose rows are in memory: `rows` has `rowCount` x the product of `shape` numbers. */
export function memoryFeatureSet(
  options: Omit<FeatureSet, 'chunks' | 'rowCount' | 'dtype'> & { readonly rows: FeatureRows },
): FeatureSet {
  const { rows: table, ...rest } = options;
  const length = rowLength(rest.shape);
  const rowCount = table.length / length;
  if (!Number.isInteger(rowCount)) {
    throw new HeadstartError(
      'INTERNAL',
      `${table.length} numbers are not whole rows of ${length} numbers.`,
    );
  }
  const dtype: FeatureDtype = table instanceof Uint16Array ? 'float16' : 'float32';
  const perChunk = rowsPerChunk(length * table.BYTES_PER_ELEMENT);
  async function* chunks({ rows, signal }: ChunkOptions = {}): AsyncGenerator<FeatureRows> {
    const count = rows?.length ?? rowCount;
    for (let first = 0; first < count; first += perChunk) {
      signal?.throwIfAborted();
      const end = Math.min(count, first + perChunk);
      const chunk = allocateRows(dtype, (end - first) * length);
      for (let i = first; i < end; i++) {
        const row = rows?.[i] ?? i;
        chunk.set(table.subarray(row * length, (row + 1) * length), (i - first) * length);
      }
      yield chunk;
    }
  }
  return { ...rest, dtype, rowCount, chunks };
}
