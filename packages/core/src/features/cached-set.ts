import { HeadstartError } from '../base/errors.ts';
import type { RecordLayout } from './record.ts';
import {
  allocateRows,
  type ChunkOptions,
  type FeatureRows,
  type FeatureSample,
  type FeatureSet,
  rowLength,
  rowsPerChunk,
} from './set.ts';
import type { FeatureStore } from './store.ts';

export interface CachedSetOptions {
  readonly cache: FeatureStore;
  readonly layout: RecordLayout;
  readonly samples: readonly FeatureSample[];
  readonly rowCount: number;
  /** Of the record of a row. */
  readonly keyOf: (row: number) => Buffer;
}

/** A feature set whose rows are read from the cache when they are asked for. */
export function cachedFeatureSet(options: CachedSetOptions): FeatureSet {
  const { cache, layout, samples, rowCount, keyOf } = options;
  const { shape, dtype } = layout;
  const length = rowLength(shape);
  const rowBytes = length * (dtype === 'float16' ? 2 : 4);
  const perChunk = rowsPerChunk(rowBytes);
  async function* chunks({ rows, signal }: ChunkOptions = {}): AsyncGenerator<FeatureRows> {
    const count = rows?.length ?? rowCount;
    // Two for all chunks: fresh memory costs more than what is copied to it. While one is used the next
    // one is read.
    const tables = [0, 1].map(() => allocateRows(dtype, Math.min(count, perChunk) * length));
    const read = (first: number, table: FeatureRows) => {
      const end = Math.min(count, first + perChunk);
      const chunk: Buffer[] = [];
      for (let i = first; i < end; i++) chunk.push(keyOf(rows?.[i] ?? i));
      const target = new Uint8Array(table.buffer, 0, chunk.length * rowBytes);
      const right = cache.read(chunk, layout, target);
      // Nobody waits for it where the reader stops before.
      right.catch(() => {});
      return { right, chunk: table.subarray(0, chunk.length * length) };
    };
    let next = count > 0 ? read(0, tables[0] as FeatureRows) : undefined;
    for (let first = 0; next; first += perChunk) {
      signal?.throwIfAborted();
      const { right, chunk } = next;
      if ((await right).includes(0)) {
        throw new HeadstartError(
          'CACHE_UNUSABLE',
          `The feature cache ${cache.dir} lost a record while it was in use: run the command again.`,
        );
      }
      const after = first + perChunk;
      const other = tables[(after / perChunk) % 2] as FeatureRows;
      next = after < count ? read(after, other) : undefined;
      yield chunk;
    }
  }
  return { shape, dtype, samples, rowCount, chunks };
}
