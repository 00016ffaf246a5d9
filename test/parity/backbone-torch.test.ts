import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Backbone, locateBackbone } from '#core/backbone';
import { relativeError } from '../native/support/heads.ts';
import { repositoryRoot } from '../util/shared.ts';
import { temporaryFolder } from '../util/workspace.ts';

const fixture = join(repositoryRoot, 'test/fixtures/vit-backbone');

// Reference: PyTorch 2.13, by test/fixtures/scripts/vit-backbone.py.
test.each(['cls', 'mean'] as const)(
  'a vision transformer with external data gives PyTorch’s %s within 1e-5, relative',
  async (tokens) => {
    await using folder = await temporaryFolder();
    const reference = JSON.parse(await readFile(join(fixture, 'features.json'), 'utf8'));
    const file = await locateBackbone(join(fixture, 'vit.onnx'), {
      modelsDir: folder.path,
      preprocessing: 'torch',
      tokens,
    });
    await using backbone = await Backbone.open(file, { device: 'cpu' });
    expect(backbone.info.featureShape).toEqual([16]);
    const features = await backbone.run(Uint8Array.from(reference.images), 3);
    expect(relativeError(features, Float32Array.from(reference[tokens]))).toBeLessThan(1e-5);
  },
);
