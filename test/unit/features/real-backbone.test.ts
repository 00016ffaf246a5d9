import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Backbone, locateBackbone } from '#core/backbone';
import { scanDataset } from '#core/dataset';
import { extractFeatures, openFeatureCache } from '#core/features';
import { applyView, decodeImage } from '#core/image';
import { sharedPath } from '../../util/shared.ts';
import { bytesBackbone, rowsOf, temporaryFolder } from './pipeline.ts';

const weights = sharedPath('weights/mobilenetv2.onnx');
const flowers = sharedPath('data/flowers');

describe.skipIf(!weights || !flowers)('Extraction with a real backbone', () => {
  it('stores what the backbone gives for the decoded picture and its view', async () => {
    const folder = await temporaryFolder();
    const file = await locateBackbone(weights as string, { modelsDir: join(folder, 'models') });
    await using backbone = await Backbone.open(file, { device: 'cpu' });
    await using cache = await openFeatureCache({ dir: join(folder, 'cache') });
    const { train } = await scanDataset(flowers as string);
    const view = { flip: true, shiftX: 0.1, shiftY: -0.05 };
    const samples = [0, 100, 200].map((i) => ({
      sample: train[i] as (typeof train)[number],
      views: [undefined, view],
    }));
    const { set } = await extractFeatures({ samples, backbone, cache, dtype: 'float32' });
    expect(set.shape).toEqual(backbone.info.featureShape);
    const rows = await rowsOf(set);
    const size = backbone.info.input;
    for (const [i, { sample }] of samples.entries()) {
      const pixels = await decodeImage(await readFile(sample.path), size, sample.name);
      for (const [k, seen] of [pixels, applyView(pixels, size, view)].entries()) {
        const alone = await backbone.run(seen.slice(), 1);
        const row = rows[i * 2 + k] as Float32Array;
        const largest = alone.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
        const error = alone.reduce((a, b, n) => Math.max(a, Math.abs(b - (row[n] as number))), 0);
        expect(error / largest).toBeLessThan(1e-4);
      }
    }
  });
});

const awkward = sharedPath('data/awkward');

describe.skipIf(!awkward)('Extraction of files that break image readers', () => {
  it('ends, with every bad file named and all others computed', async () => {
    const folder = await temporaryFolder();
    await using cache = await openFeatureCache({ dir: join(folder, 'cache') });
    // Its folders serve as classes.
    const { train, validation, skipped } = await scanDataset(awkward as string);
    const samples = [...train, ...validation].map((sample) => ({ sample, views: [undefined] }));
    const result = await extractFeatures({ samples, backbone: bytesBackbone(), cache });
    const left = [...skipped, ...result.skipped];
    expect(result.set.samples.length + left.length).toBe(157);
    expect(result.set.samples.length).toBeGreaterThan(115);
    for (const { reason } of left) expect(reason).toMatch(/^(it|its|the) .*[^.]$/);
    expect(process.resourceUsage().maxRSS / 1024).toBeLessThan(1500);
  });
});
