import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { BufferPool } from '../base/buffer-pool.ts';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import type { Sample } from '../dataset/index.ts';
import {
  type DecodeOptions,
  type DecodeViewsOptions,
  decodePlainJpeg,
  decodeViews,
  unreadableReason,
} from '../image/index.ts';

export interface SkippedSample {
  readonly sample: Sample;
  readonly reason: string;
}

/** The pixels of a content's views; undefined where none of its files could be read. */
export interface ReadImage {
  /** RGB, [views, height, width, 3] */
  readonly pixels: Uint8Array<ArrayBuffer> | undefined;
  readonly skipped: readonly SkippedSample[];
}

/**
 * Reads and decodes the first of some files of the same bytes that still has these bytes: features
 * are stored under the content's hash, so what is decoded must be what was hashed. It is decoded once,
 * for all views.
 */
export async function readImage(
  samples: readonly Sample[],
  options: DecodeOptions & Partial<Pick<DecodeViewsOptions, 'views'>>,
  pool?: BufferPool,
): Promise<ReadImage> {
  const { views = [undefined] } = options;
  const length = views.length * options.height * options.width * 3;
  const pixels = pool?.take(length) ?? new Uint8Array(length);
  const decode = { ...options, views, target: pixels };
  const skipped: SkippedSample[] = [];
  for (const sample of samples) {
    if (await decodePlainJpeg(sample, decode)) return { pixels, skipped };
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
      await decodeViews(bytes, decode, sample.path);
      return { pixels, skipped };
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
