import type { LongOperationOptions } from '../base/operation.ts';
import { mapOrdered } from '../base/ordered-map.ts';
import type { Sample, SkippedFile } from '../dataset/index.ts';
import type { DecodeOptions } from '../image/index.ts';
import { readImage } from './read-image.ts';

const readAhead = 16;

/** Reads and decodes images only to learn which of them cannot be. */
export async function findUnreadable(
  samples: readonly Sample[],
  decode: DecodeOptions,
  { signal, onProgress }: LongOperationOptions,
): Promise<SkippedFile[]> {
  const found: SkippedFile[] = [];
  let done = 0;
  const read = async (sample: Sample) => {
    signal?.throwIfAborted();
    return (await readImage([sample], decode)).skipped;
  };
  for await (const skipped of mapOrdered(samples, readAhead, read)) {
    for (const { sample, reason } of skipped) found.push({ path: sample.path, reason });
    done += 1;
    onProgress?.({ stage: 'reading', done, total: samples.length, unit: 'images' });
  }
  return found;
}
