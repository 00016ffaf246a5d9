import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterEach } from 'vitest';
import type { Sample } from '#core/dataset';
import type { ExtractFeaturesOptions, FeatureRows, FeatureSet } from '#core/features';

type TestBackbone = ExtractFeaturesOptions['backbone'] & { readonly batches: number[] };

/** Pixels on each side of the pictures that the test backbone takes. */
export const side = 4;

const made: string[] = [];

afterEach(async () => {
  for (const folder of made.splice(0)) await rm(folder, { recursive: true, force: true });
});

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'headstart-test-'));
  made.push(folder);
  return folder;
}

/**
 * A backbone that is a pure function: the features of a picture are its first `length` bytes, times
 * `scale`. It notes the size of each batch.
 */
export function bytesBackbone(
  options: { length?: number; scale?: number; sha256?: string; onRun?: () => unknown } = {},
): TestBackbone {
  const { length = 6, scale = 1, sha256 = 'f'.repeat(64), onRun } = options;
  const batches: number[] = [];
  return {
    batches,
    info: {
      path: '/models/bytes.onnx',
      sha256,
      name: 'bytes',
      untrained: false,
      preprocessing: 'none',
      precision: 'float32',
      input: { height: side, width: side },
      featureShape: [length],
      provider: 'cpu',
      engine: 'onnxruntime',
      device: 'CPU',
    },
    run: async (images, count) => {
      batches.push(count);
      await onRun?.();
      const size = side * side * 3;
      return Float32Array.from(
        { length: count * length },
        (_, i) => scale * (images[Math.floor(i / length) * size + (i % length)] as number),
      );
    },
  };
}

/** The picture number `i`, as a file: its pixels are `pixelsOf(i)`. */
export function picture(i: number): Promise<Buffer> {
  return sharp(pixelsOf(i), { raw: { height: side, width: side, channels: 3 } })
    .png()
    .toBuffer();
}

export function pixelsOf(i: number): Uint8Array {
  return Uint8Array.from({ length: side * side * 3 }, (_, k) => (i * 7 + k * 13) % 256);
}

/** Writes files and makes samples of them. */
export async function samplesOf(
  folder: string,
  files: Readonly<Record<string, Uint8Array>>,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (const [name, bytes] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
    const hash = createHash('sha256').update(bytes).digest('hex');
    samples.push({ path, name, label: samples.length % 2, hash });
  }
  return samples;
}

/** `count` samples of different pictures. */
export async function pictures(folder: string, count: number): Promise<Sample[]> {
  const files: Record<string, Uint8Array> = {};
  for (let i = 0; i < count; i++) files[`${i}.png`] = await picture(i);
  return samplesOf(folder, files);
}

/** The files of a cache with this ending, `.pack` or `.idx`. */
export async function filesOf(dir: string, end: string): Promise<string[]> {
  const names = await readdir(dir, { recursive: true });
  return names.filter((name) => name.endsWith(end)).map((name) => join(dir, name));
}

/** All rows of a set, as arrays. */
export async function rowsOf(set: FeatureSet): Promise<FeatureRows[]> {
  const length = set.shape.reduce((a, b) => a * b, 1);
  const rows: FeatureRows[] = [];
  for await (const chunk of set.chunks()) {
    for (let at = 0; at < chunk.length; at += length) rows.push(chunk.slice(at, at + length));
  }
  return rows;
}
