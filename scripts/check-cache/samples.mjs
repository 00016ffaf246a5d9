// Small pictures whose features are known beforehand.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

export const side = 4;
/** Numbers in a row: 2.4 kB in float32, so that a record has a page of its own. */
export const length = 600;

function pixelsOf(index) {
  return Uint8Array.from({ length: side * side * 3 }, (_, k) =>
    k < 4 ? (index >>> (8 * k)) & 255 : (index * 7 + k * 13) % 256,
  );
}

function featuresOfPixels(pixels) {
  const index = pixels[0] + 256 * pixels[1] + 65536 * pixels[2];
  return Float32Array.from({ length }, (_, k) => index + k / 1024);
}

export function featuresOf(index) {
  return featuresOfPixels(pixelsOf(index));
}

export const backbone = {
  info: {
    path: '/models/known.onnx',
    sha256: 'e'.repeat(64),
    name: 'known',
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
    const rows = new Float32Array(count * length);
    const bytes = side * side * 3;
    for (let i = 0; i < count; i++) {
      rows.set(featuresOfPixels(images.subarray(i * bytes, (i + 1) * bytes)), i * length);
    }
    return rows;
  },
};

/** Writes pictures of these numbers, and a list of them as samples. Returns the list's path. */
export async function writeSamples(folder, name, indices) {
  mkdirSync(folder, { recursive: true });
  const samples = [];
  for (const index of indices) {
    const path = join(folder, `${index}.png`);
    const raw = { width: side, height: side, channels: 3 };
    const bytes = await sharp(pixelsOf(index), { raw }).png().toBuffer();
    writeFileSync(path, bytes);
    const hash = createHash('sha256').update(bytes).digest('hex');
    samples.push({ path, name: `${index}.png`, label: 0, hash, index });
  }
  const list = join(folder, `${name}.json`);
  writeFileSync(list, JSON.stringify(samples));
  return list;
}
