import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Backbone, type BackboneFile, locateBackbone } from '#core/backbone';
import { generatedImages } from '../../../packages/core/src/backbone/generated-images.ts';
import { type TemporaryFolder, temporaryFolder } from '../../util/workspace.ts';

let folder: TemporaryFolder;
let file: BackboneFile;
const stages: string[] = [];
const models = (name: string) => join(folder.path, name);

beforeAll(async () => {
  folder = await temporaryFolder();
  file = await locateBackbone('vgg16-untrained', {
    modelsDir: models('a'),
    onProgress: ({ stage }) => stages.push(stage),
  });
});
afterAll(() => folder[Symbol.asyncDispose]());

describe('vgg16-untrained', () => {
  test('is built where it is missing, says so, and is found afterwards', async () => {
    expect(file).toMatchObject({ name: 'vgg16-untrained', untrained: true, layer: 'block5_pool' });
    expect(stages.length).toBeGreaterThan(0);
    expect(await readdir(models('a'))).toEqual(['vgg16-untrained.onnx']);
    const again = await locateBackbone('vgg16-untrained', {
      modelsDir: models('a'),
      onProgress: () => expect.unreachable('it is there already'),
    });
    expect(again).toEqual(file);
  });

  test('is the same file wherever it is built', async () => {
    const second = await locateBackbone('vgg16-untrained', { modelsDir: models('b') });
    expect(second.sha256).toBe(file.sha256);
  });

  test('has features of about the same spread in all channels', async () => {
    await using backbone = await Backbone.open(file, { device: 'cpu' });
    // Pictures of the same kind as those of the statistics, but others.
    const features = await backbone.run(generatedImages(8, 224, 17), 8);
    expect(features.every(Number.isFinite)).toBe(true);
    const spreads = Array.from({ length: 512 }, (_, channel) => {
      const values = features.filter((_, k) => k % 512 === channel);
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      return Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
    });
    const even = spreads.filter((spread) => spread > 1 / 3 && spread < 3);
    expect(even.length).toBeGreaterThan(0.9 * 512);
  });

  test('that is interrupted leaves nothing', async () => {
    const controller = new AbortController();
    const building = locateBackbone('vgg16-untrained', {
      modelsDir: models('c'),
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('enough')),
    });
    await expect(building).rejects.toThrow('enough');
    expect(await readdir(models('c'))).toEqual([]);
  });
});
