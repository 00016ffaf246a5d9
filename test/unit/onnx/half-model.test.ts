import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { Backbone, describeFile, featureError, halfBackbone, locateBackbone } from '#core/backbone';
import { halfModel } from '../../../packages/core/src/onnx/half-model.ts';
import { decodeModel } from '../../../packages/core/src/onnx/onnx-model.ts';
import { sharedPath } from '../../util/shared.ts';
import { type TemporaryFolder, temporaryFolder } from '../../util/workspace.ts';
import { floatTensor, node, smallModel, someImages, writeSmallModel } from '../backbone/models.ts';

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder[Symbol.asyncDispose]());

const size = 8;
const kernel = Float32Array.from({ length: 108 }, (_, i) => Math.sin(i + 1) / 5);

const convolution = (weights = kernel) => ({
  input: { name: 'image', type: 'uint8' as const, dims: ['N', size, size, 3] },
  outputs: [{ name: 'features', dims: ['N', size, size, 4] }],
  nodes: [
    node('Cast', ['image'], 'float', { to: 1 }),
    node('Div', ['float', 'scale'], 'scaled'),
    node('Transpose', ['scaled'], 'x', { perm: [0, 3, 1, 2] }),
    node('Conv', ['x', 'k'], 'c', { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
    node('Clip', ['c', '', 'most'], 'y'),
    node('Transpose', ['y'], 'features', { perm: [0, 2, 3, 1] }),
  ],
  initializers: [
    floatTensor('k', [4, 3, 3, 3], weights),
    floatTensor('scale', [], [255]),
    floatTensor('most', [], [0.5]),
  ],
});

describe('a backbone in float16', () => {
  it('keeps input, output and preprocessing, and nearly the features', async () => {
    const path = await writeSmallModel(join(folder.path, 'small.onnx'), convolution());
    const exact = await describeFile(path);
    const half = await halfBackbone(exact, { modelsDir: folder.path });
    expect(half).toMatchObject({ name: exact.name, precision: 'float16' });
    expect(await halfBackbone(exact, { modelsDir: folder.path })).toEqual(half);
    const { graph } = decodeModel(await readFile(half.path), 'half');
    const types = new Map(graph?.initializer?.map(({ name, dataType }) => [name, dataType]));
    expect(types).toEqual(
      new Map([
        ['scale', 1],
        ['k/half', 10],
        ['most/half', 10],
      ]),
    );
    await using backbone = await Backbone.open(half, { device: 'cpu' });
    const images = someImages(4, size);
    const each = [0, 1, 2, 3].map((i) => images.slice((i * images.length) / 4).subarray(0, 192));
    const error = await featureError(exact, backbone, each);
    expect(error.largest).toBeLessThan(1e-3);
    expect(error.median).toBeGreaterThan(0);
  });

  it('is refused with the reason where it cannot be', () => {
    const refused = (bytes: Uint8Array) => () => halfModel(decodeModel(bytes, 'm'), 'm.onnx', {});
    expect(refused(smallModel())).toThrow('m.onnx cannot be in fp16: it has no convolution');
    expect(refused(smallModel(convolution(kernel.map((x) => x * 1e6))))).toThrow(
      /a number of "k" is .* Use fp32\./,
    );
    const converts = convolution();
    converts.nodes.splice(4, 1, node('Cast', ['c'], 'y', { to: 11 }));
    expect(refused(smallModel(converts))).toThrow('converts types between its layers');
  });

  it('takes what an adapted model converts at its end', async () => {
    const path = await writeSmallModel(join(folder.path, 'foreign.onnx'), {
      outputs: [{ name: 'map', dims: ['N', 4, size, size] }],
      nodes: [node('Conv', ['pixels', 'k'], 'map', { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })],
      initializers: [floatTensor('k', [4, 3, 3, 3], kernel)],
    });
    const modelsDir = folder.path;
    const exact = await locateBackbone(path, { modelsDir, preprocessing: 'rescale' });
    await using half = await Backbone.open(await halfBackbone(exact, { modelsDir }), {
      device: 'cpu',
    });
    expect((await featureError(exact, half, [someImages(1, size)])).largest).toBeLessThan(1e-3);
  });

  test.each(['mobilenetv2', 'squeezenet1_1'])(
    '%s: features within 1e-2 of float32',
    async (name) => {
      const weights = sharedPath(`weights/${name}.onnx`);
      if (!weights) {
        console.log(`skipped: ../shared/weights/${name}.onnx is not here`);
        return;
      }
      const modelsDir = folder.path;
      const exact = await locateBackbone(weights, { modelsDir });
      await using half = await Backbone.open(await halfBackbone(exact, { modelsDir }), {
        device: 'cpu',
      });
      const image = someImages(1, 224);
      expect((await featureError(exact, half, [image])).largest).toBeLessThan(1e-2);
    },
  );
});
