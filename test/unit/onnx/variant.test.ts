import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Backbone, describeFile, type LocateOptions, locateBackbone } from '#core/backbone';
import { generatedImages } from '../../../packages/core/src/backbone/generated-images.ts';
import { decodeModel, encodeModel, valueInfo } from '../../../packages/core/src/onnx/onnx-model.ts';
import { backboneModel } from '../../../packages/core/src/onnx/vgg16-graph.ts';
import { heWeights } from '../../../packages/core/src/weights/he.ts';
import { relativeError } from '../../native/support/heads.ts';
import { sharedPath } from '../../util/shared.ts';
import { type TemporaryFolder, temporaryFolder } from '../../util/workspace.ts';
import { someImages } from '../backbone/models.ts';

let modelsDir: string;
let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder();
  modelsDir = folder.path;
  const { convolutions } = heWeights();
  const model = backboneModel({
    name: 'vgg16',
    convolutions,
    preprocessing: 'torch',
    metadata: { source: 'a test' },
  });
  await writeFile(join(modelsDir, 'vgg16.onnx'), model);
});
afterAll(() => folder[Symbol.asyncDispose]());

const locate = (options: Partial<LocateOptions>, spec = 'vgg16') =>
  locateBackbone(spec, { modelsDir, ...options });

async function run(path: string, size: number) {
  await using backbone = await Backbone.open(await describeFile(path), { device: 'cpu' });
  const { input, featureShape } = backbone.info;
  return { input, featureShape, data: await backbone.run(someImages(1, size), 1) };
}

describe('variants of VGG16', () => {
  test('--layer gives what that layer gives inside the whole network', async () => {
    const file = await locate({ layer: 'block3_conv2', imageSize: 64 });
    expect(file).toMatchObject({ layer: 'block3_conv2', preprocessing: 'torch' });
    // The same tensor as an output of the whole model.
    const whole = decodeModel(await readFile(join(modelsDir, 'vgg16.onnx')), 'whole');
    const last = whole.graph?.node?.find(({ output }) => output?.includes('features'));
    last!.input = ['block3_conv2/relu'];
    whole.graph!.input = [valueInfo('image', 2, ['N', 64, 64, 3])];
    whole.graph!.output = [valueInfo('features', 1, ['N', 'h', 'w', 256])];
    const reference = join(modelsDir, 'reference.onnx');
    await writeFile(reference, encodeModel(whole));
    const [found, expected] = [await run(file.path, 64), await run(reference, 64)];
    expect(found.featureShape).toEqual([16, 16, 256]);
    expect(relativeError(found.data, expected.data)).toBeLessThan(1e-5);
    // What is not needed is not in the file: 13 convolutions weigh 59 MB.
    expect((await readFile(file.path)).length).toBeLessThan(6e6);
  });

  test.each([
    ['block1_pool', 32, [16, 16, 64]],
    ['block4_pool', 96, [6, 6, 512]],
    ['block5_pool', 160, [5, 5, 512]],
  ])('%s of images of %i pixels is %j', async (layer, imageSize, shape) => {
    const { input, featureShape } = await run((await locate({ layer, imageSize })).path, imageSize);
    expect(input).toEqual({ height: imageSize, width: imageSize });
    expect(featureShape).toEqual(shape);
  });

  test('its own layer, size and preprocessing are no variant', async () => {
    const options = { layer: 'block5_pool', imageSize: 224, preprocessing: 'torch' } as const;
    expect((await locate(options)).path).toBe(join(modelsDir, 'vgg16.onnx'));
    const copy = join(modelsDir, 'copy.onnx');
    await writeFile(copy, await readFile(join(modelsDir, 'vgg16.onnx')));
    expect((await locate(options, copy)).path).toBe(copy);
    expect((await locate({ layer: 'block2_pool' }, copy)).layer).toBe('block2_pool');
  });

  test('a file that was made for another size is brought to the one that is asked for', async () => {
    const { path } = await locate({ layer: 'block1_pool', imageSize: 64 });
    expect((await locate({ imageSize: 64 }, path)).path).toBe(path);
    const usual = await locate({ imageSize: 224 }, path);
    expect((await run(usual.path, 224)).featureShape).toEqual([112, 112, 64]);
  });

  test('the untrained stand-in has statistics of its own for each layer', async () => {
    const file = await locate({ layer: 'block1_pool', imageSize: 64 }, 'vgg16-untrained');
    await using backbone = await Backbone.open(file, { device: 'cpu' });
    expect(backbone.info.featureShape).toEqual([32, 32, 64]);
    const data = await backbone.run(generatedImages(8, 64, 5), 8);
    const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
    const variance = data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length;
    expect(Math.abs(mean)).toBeLessThan(0.5);
    expect(variance).toBeGreaterThan(0.3);
    expect(variance).toBeLessThan(3);
    expect(file.untrained).toBe(true);
  });

  test('a layer that there is not, and a size that does not fit, are refused', async () => {
    await expect(locate({ layer: 'block6_pool' })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(/no layer "block6_pool": there are block1_conv1, /),
    });
    for (const imageSize of [0, 100, 4096, -32]) {
      await expect(locate({ imageSize })).rejects.toMatchObject({
        code: 'USAGE',
        message: `Images cannot be ${imageSize} pixels wide: give a multiple of 32 up to 2048.`,
      });
    }
  });

  test('a variant has no layers but those before it', async () => {
    const { path } = await locate({ layer: 'block2_pool' });
    await expect(locate({ layer: 'block3_pool' }, path)).rejects.toMatchObject({
      code: 'USAGE',
      message: `${path} has no layer block3_pool: leave out \`layer\`.`,
    });
  });

  const mobilenet = sharedPath('weights/mobilenetv2.onnx');
  test.skipIf(!mobilenet)('other backbones have the layer and size that they have', async () => {
    await expect(locate({ imageSize: 160 }, mobilenet as string)).rejects.toThrow(
      /takes images of 224x224 pixels and no others: leave out `imageSize`\.$/,
    );
    await expect(locate({ layer: 'block1_pool' }, mobilenet as string)).rejects.toThrow(
      /is not a VGG16 of Headstart’s: leave out `layer`/,
    );
  });
});
