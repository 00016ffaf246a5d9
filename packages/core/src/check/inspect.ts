import { readFile } from 'node:fs/promises';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import type { LongOperationOptions } from '../base/operation.ts';
import { availableThreads } from '../base/threads.ts';
import {
  decoderWarning,
  type ImageDescription,
  readThumbnail,
  unreadableReason,
} from '../image/index.ts';
import type { Content } from './contents.ts';
import { Fingerprints, fingerprintInput } from './fingerprint.ts';

/** What a content turned out to be, or why it cannot be read. */
export type Inspection =
  | { readonly image: ImageDescription; readonly warning: string | undefined }
  | { readonly reason: string };

export interface InspectedContents {
  /** In the contents' order. */
  readonly inspections: readonly Inspection[];
  /** In the contents' order; empty for those that cannot be read. */
  readonly fingerprints: Fingerprints;
}

/** Images being read and decoded at once: enough to keep the cores busy while files are read. */
const parallelImages = () => Math.max(4, Math.min(16, 2 * availableThreads()));

/** Sizes and kinds that are remembered at once: a folder may have another size for each image. */
const mostShared = 1000;

/**
 * Reads and decodes each content once, to 32x32 pixels. What is kept of one is some hundred bytes;
 * at any time a few files are held, and large pictures are decoded one at a time.
 *
 * @throws `signal.reason` where aborted
 */
export async function inspectContents(
  contents: readonly Content[],
  { signal, onProgress }: LongOperationOptions,
): Promise<InspectedContents> {
  const inspections = new Array<Inspection>(contents.length);
  const fingerprints = new Fingerprints(contents.length);
  const shared = sharing();
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < contents.length) {
      signal?.throwIfAborted();
      const index = next++;
      const [first] = (contents[index] as Content).samples;
      const found = await inspect(first?.path ?? '', (rgb) => fingerprints.set(index, rgb));
      inspections[index] = shared(found);
      done++;
      onProgress?.({ stage: 'decoding', done, total: contents.length, unit: 'images' });
    }
  };
  await Promise.all(Array.from({ length: parallelImages() }, work));
  await rereadWarnings(contents, inspections, signal);
  return { inspections, fingerprints };
}

/** Gives one object for images of the same size and kind, as most folders have many of. */
function sharing(): (inspection: Inspection) => Inspection {
  const known = new Map<string, Inspection>();
  return (inspection) => {
    if (!('image' in inspection) || inspection.warning !== undefined) return inspection;
    const key = JSON.stringify(inspection.image);
    const same = known.get(key);
    if (same) return same;
    if (known.size >= mostShared) known.clear();
    known.set(key, inspection);
    return inspection;
  };
}

/** Warnings of files that were decoded at the same time may be mixed up: one by one they are not. */
async function rereadWarnings(
  contents: readonly Content[],
  inspections: Inspection[],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const [i, inspection] of inspections.entries()) {
    if (!('image' in inspection) || inspection.warning === undefined) continue;
    signal?.throwIfAborted();
    const bytes = await readFile(contents[i]?.samples[0]?.path ?? '').catch(() => undefined);
    const warning = bytes && (await decoderWarning(bytes));
    if (warning !== undefined) inspections[i] = { ...inspection, warning };
  }
}

async function inspect(path: string, take: (rgb: Uint8Array) => void): Promise<Inspection> {
  try {
    const bytes = await readFile(path);
    const size = { height: fingerprintInput, width: fingerprintInput };
    const { image, pixels } = await readThumbnail(bytes, size, path);
    const warning = await decoderWarning(bytes);
    take(pixels);
    return { image, warning };
  } catch (error) {
    if (error instanceof HeadstartError) {
      if (error.code !== 'IMAGE_UNREADABLE') throw error;
      return { reason: unreadableReason(error) };
    }
    return { reason: `it cannot be read (${reasonOf(error)})` };
  }
}
