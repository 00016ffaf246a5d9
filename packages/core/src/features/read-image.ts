import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import type { Sample } from '../dataset/index.ts';
import { type DecodeOptions, decodeImage, unreadableReason } from '../image/index.ts';

export interface SkippedSample {
  readonly sample: Sample;
  readonly reason: string;
}

/** The pixels of a content; undefined where none of its files could be read. */
export interface ReadImage {
  readonly pixels: Uint8Array | undefined;
  readonly skipped: readonly SkippedSample[];
}

/**
 * Reads and decodes the first of some files of the same bytes that still has these bytes: features
 * are stored under the content's hash, so what is decoded must be what was hashed.
 */
export async function readImage(
  samples: readonly Sample[],
  options: DecodeOptions,
): Promise<ReadImage> {
  const skipped: SkippedSample[] = [];
  for (const sample of samples) {
    let bytes: Buffer;
    try {
      bytes = await readFile(sample.path);
    } catch (error) {
      skipped.push({ sample, reason: `it cannot be read (${reasonOf(error)})` });
      continue;
    }
    if (createHash('sha256').update(bytes).digest('hex') !== sample.hash) {
      skipped.push({ sample, reason: 'it changed while its features were being computed' });
      continue;
    }
    try {
      return { pixels: await decodeImage(bytes, options, sample.path), skipped };
    } catch (error) {
      if (!(error instanceof HeadstartError) || error.code !== 'IMAGE_UNREADABLE') throw error;
      const reason = unreadableReason(error);
      const rest = samples.filter((other) => !skipped.some((done) => done.sample === other));
      return {
        pixels: undefined,
        skipped: [...skipped, ...rest.map((s) => ({ sample: s, reason }))],
      };
    }
  }
  return { pixels: undefined, skipped };
}
