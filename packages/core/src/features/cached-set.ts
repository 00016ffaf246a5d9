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
  /** The record of each row. */
  readonly keys: readonly Buffer[];
}

/** A feature set whose rows are read from the cache when they are asked for. */
export function cachedFeatureSet(options: CachedSetOptions): FeatureSet {
  const { cache, layout, samples, keys } = options;
  const { shape, dtype } = layout;
  const length = rowLength(shape);
  const rowBytes = length * (dtype === 'float16' ? 2 : 4);
  const perChunk = rowsPerChunk(rowBytes);
  async function* chunks({ rows, signal }: ChunkOptions = {}): AsyncGenerator<FeatureRows> {
    const count = rows?.length ?? keys.length;
    // One for all chunks: fresh memory costs more than what is copied to it.
    const table = allocateRows(dtype, Math.min(count, perChunk) * length);
    const bytes = new Uint8Array(table.buffer);
    for (let first = 0; first < count; first += perChunk) {
      signal?.throwIfAborted();
      const end = Math.min(count, first + perChunk);
      const chunk: Buffer[] = [];
      for (let i = first; i < end; i++) chunk.push(keys[rows?.[i] ?? i] as Buffer);
      const target = bytes.subarray(0, (end - first) * rowBytes);
      if ((await cache.read(chunk, layout, target)).includes(0)) {
        throw new HeadstartError(
          'CACHE_UNUSABLE',
          `The feature cache ${cache.dir} lost a record while it was in use: run the command again.`,
        );
      }
      yield table.subarray(0, (end - first) * length);
    }
  }
  return { shape, dtype, samples, rowCount: keys.length, chunks };
}
