import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Backbone, featureError, halfBackbone, locateBackbone } from '#core/backbone';
import { generatedImages } from '../../packages/core/src/backbone/generated-images.ts';
import { type TemporaryFolder, temporaryFolder, tinyBackbone } from '../util/workspace.ts';

// cuBLAS and cuDNN read it when they are loaded: products in float32, not in TF32.
process.env.NVIDIA_TF32_OVERRIDE = '0';

let folder: TemporaryFolder;
let untrained: Awaited<ReturnType<typeof locateBackbone>>;

/** Why ONNX Runtime has no CUDA here. */
const obstacle = await temporaryFolder().then(async (place) => {
  await using _ = place;

  const file = await locateBackbone(tinyBackbone, { modelsDir: place.path });
  try {
    await (await Backbone.open(file, { device: 'cuda', requireGpu: true })).close();
    return undefined;
  } catch (error) {
    return String((error as Error).message);
  }
});
if (obstacle) console.log(`skipped: no CUDA device for features (${obstacle})`);

beforeAll(async () => {
  folder = await temporaryFolder();
  if (obstacle) return;
  untrained = await locateBackbone('vgg16-untrained', { modelsDir: folder.path });
});
afterAll(() => folder[Symbol.asyncDispose]());

const images = () => {
  const all = generatedImages(4, 224, 3);
  const size = all.length / 4;
  return [0, 1, 2, 3].map((i) => all.slice(i * size, (i + 1) * size));
};

describe.skipIf(obstacle)('features of VGG16 on the CUDA provider', () => {
  test('in fp32 are those of the CPU within 1e-3', async () => {
    await using gpu = await Backbone.open(untrained, { device: 'cuda', requireGpu: true });
    expect(gpu.info).toMatchObject({ provider: 'cuda', engine: 'onnxruntime' });
    expect((await featureError(untrained, gpu, images())).largest).toBeLessThan(1e-3);
  });

  test('in fp16 are those of the CPU within 1e-2', async () => {
    const half = await halfBackbone(untrained, { modelsDir: folder.path });
    await using gpu = await Backbone.open(half, { device: 'cuda', requireGpu: true });
    expect((await featureError(untrained, gpu, images())).largest).toBeLessThan(1e-2);
  });
});
