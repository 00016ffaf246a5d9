import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Backbone, type LocateOptions, locateBackbone } from '#core/backbone';
import { decodeImage } from '#core/image';
import { relativeError } from '../native/support/heads.ts';
import { repositoryRoot, sharedPath } from '../util/shared.ts';
import { temporaryFolder } from '../util/workspace.ts';

const makers = join(repositoryRoot, 'test/fixtures/makers');

/** Features by model and picture: PyTorch 2.13, transformers 5.18, timm 1.0.29, Pillow 12.3. */
const reference = JSON.parse(readFileSync(join(makers, 'features.json'), 'utf8')) as Record<
  string,
  Record<string, readonly number[]>
>;

const cls = { tokens: 'cls' } as const;
const models: readonly [string, Partial<LocateOptions>, string, string][] = [
  ['vit', cls, 'bilinear', 'stretch-64'],
  ['clip', {}, 'bicubic', 'shorter-73-floor'],
  ['convnext', {}, 'bicubic', 'shorter-73-floor'],
  ['deit', cls, 'bicubic', 'stretch-71-floor'],
  ['timm-resnet', {}, 'bilinear', 'shorter-73'],
  ['timm-vit', {}, 'bicubic', 'shorter-71'],
];

/** Features of one picture as they are extracted, in float32. */
async function featuresOf(model: string, picture: string, options: Partial<LocateOptions>) {
  await using folder = await temporaryFolder();
  const path = join(makers, model, 'model.onnx');
  const file = await locateBackbone(path, { modelsDir: folder.path, ...options });
  await using backbone = await Backbone.open(file, { device: 'cpu' });
  const { images, input } = backbone.info;
  const pixels = await decodeImage(await readFile(picture), { ...input, ...images }, picture);
  return { images, input, features: await backbone.run(pixels, 1) };
}

describe.each(models)('%s with what its maker says of images', (model, options, resize, fit) => {
  const expected = Object.entries(reference[model] ?? {});
  const own = expected.filter(([name]) => !name.includes('/'));
  const photographs = expected.filter(([name]) => name.includes('/'));

  it('brings them to size as the maker does', async () => {
    const [name = ''] = own[0] ?? [];
    const found = await featuresOf(model, join(makers, 'pictures', name), options);
    expect(found.images).toEqual({ resize, fit });
    expect(found.input).toEqual({ height: 64, width: 64 });
  });

  it('gives PyTorch’s features of pictures of odd sizes within 1e-3, relative', async () => {
    expect(own.length).toBe(5);
    for (const [name, values] of own) {
      const found = await featuresOf(model, join(makers, 'pictures', name), options);
      expect(relativeError(found.features, Float32Array.from(values)), name).toBeLessThan(1e-3);
    }
  });

  const flowers = sharedPath('data/flowers');
  it.skipIf(!flowers)('gives PyTorch’s features of photographs within 1e-3, relative', async () => {
    expect(photographs.length).toBe(5);
    for (const [name, values] of photographs) {
      const found = await featuresOf(model, join(flowers as string, name), options);
      expect(relativeError(found.features, Float32Array.from(values)), name).toBeLessThan(1e-3);
    }
  });

  it('would give others with another preprocessing: the features tell', async () => {
    const [name = '', values = []] = own[0] ?? [];
    const other = { ...options, preprocessing: 'caffe' as const };
    const { features } = await featuresOf(model, join(makers, 'pictures', name), other);
    expect(relativeError(features, Float32Array.from(values))).toBeGreaterThan(0.02);
  });
});
