import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Backbone, locateBackbone } from '#core/backbone';
import { relativeError } from '../native/support/heads.ts';
import { repositoryRoot } from '../util/shared.ts';
import { temporaryFolder } from '../util/workspace.ts';

const fixture = join(repositoryRoot, 'test/fixtures/classifiers');

// Reference: PyTorch 2.13, by test/fixtures/scripts/classifiers.py.
test.each([
  ['gemm', '/1/Gemm'],
  ['matmul', '/1/MatMul'],
  ['dynamo', 'node_linear_1'],
])(
  'the classifier %s, cut, gives what PyTorch’s last dense layer is given within 1e-5, relative',
  async (name, cutLayer) => {
    await using folder = await temporaryFolder();
    const reference = JSON.parse(await readFile(join(fixture, 'features.json'), 'utf8'));
    const file = await locateBackbone(join(fixture, `${name}.onnx`), {
      modelsDir: folder.path,
      preprocessing: 'torch',
      cutClassifier: true,
    });
    expect(file.cutLayer).toBe(cutLayer);
    await using backbone = await Backbone.open(file, { device: 'cpu' });
    expect(backbone.info.featureShape).toEqual([24]);
    const features = await backbone.run(Uint8Array.from(reference.images), 3);
    expect(relativeError(features, Float32Array.from(reference.features))).toBeLessThan(1e-5);
  },
);
