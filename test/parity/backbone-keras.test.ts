import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Backbone, locateBackbone, pullVgg16 } from '#core/backbone';
import { SafetensorsFile } from '#core/base/safetensors';
import { formulaImages, writeKerasFile } from '../util/formula.ts';
import { type TemporaryFolder, temporaryFolder } from '../util/workspace.ts';

/**
 * Against Keras 3.15 on TensorFlow 2.21 (fixtures/scripts/vgg16-features.py): VGG16's features of
 * four images from the same weights. Tolerance: 1e-4 of the norm, for every image.
 */
const tolerance = 1e-4;
const [images, cells, channels, every] = [4, 49, 512, 16];
const fixture = fileURLToPath(
  new URL('../fixtures/backbone/vgg16-features.safetensors', import.meta.url),
);

let folder: TemporaryFolder;
let modelsDir: string;
let reference: SafetensorsFile;

beforeAll(async () => {
  folder = await temporaryFolder();
  modelsDir = join(folder.path, 'models');
  await mkdir(modelsDir);
  reference = await SafetensorsFile.open(fixture);
  const weights = join(folder.path, 'vgg16.h5');
  await writeKerasFile(weights);
  await pullVgg16({ modelsDir, from: weights });
});
afterAll(async () => {
  await reference.close();
  await folder[Symbol.asyncDispose]();
});

async function expected(name: string): Promise<Float32Array> {
  const entry = reference.header.tensors.get(name);
  if (!entry) throw new Error(`the fixture has no ${name}`);
  return new Float32Array((await reference.read(entry.begin, entry.end)).buffer);
}

const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));

describe('features of VGG16 are those of Keras', () => {
  test.each(['caffe', 'torch', 'rescale'] as const)('with %s preprocessing', async (kind) => {
    const file = await locateBackbone('vgg16', { modelsDir, preprocessing: kind });
    expect(file.preprocessing).toBe(kind);
    await using backbone = await Backbone.open(file, { device: 'cpu' });
    expect(backbone.info.featureShape).toEqual([7, 7, channels]);
    const features = await backbone.run(formulaImages(), images);
    const [sampled, norms] = [await expected(`${kind}/features`), await expected(`${kind}/norm`)];
    for (let n = 0; n < images; n++) {
      const own = features.subarray(n * cells * channels, (n + 1) * cells * channels);
      const length = sampled.length / images;
      const theirs = sampled.subarray(n * length, (n + 1) * length);
      const difference = theirs.map((v, i) => v - (own[i * every] as number));
      expect(norm(theirs)).toBeGreaterThan(0);
      expect(norm(difference) / norm(theirs)).toBeLessThan(tolerance);
      expect(Math.abs(norm(own) / (norms[n] as number) - 1)).toBeLessThan(tolerance);
    }
  });
});
