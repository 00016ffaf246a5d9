import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  floatTensor,
  node,
  pool,
  type SmallModel,
  writeSmallModel,
} from '../unit/backbone/models.ts';
import { cliIn } from '../util/place.ts';
import { type TemporaryFolder, temporaryFolder, writePictures } from '../util/workspace.ts';

let place: TemporaryFolder;
beforeAll(async () => {
  place = await temporaryFolder();
  await writePictures(join(place.path, 'data'), ['green', 'red'], 8);
});
afterAll(() => place[Symbol.asyncDispose]());

const rescaled = { metadata: { preprocessing: 'rescale' } };
const mean = node('ReduceMean', ['pixels'], 'mean', { axes: [2, 3], keepdims: 0 });

async function features(name: string, model: SmallModel, ...args: string[]) {
  await writeSmallModel(join(place.path, name), { ...rescaled, ...model });
  return cliIn(place, ['features', 'data', '--backbone', name, '--no-augment', ...args]);
}

describe('a backbone of the user’s own', () => {
  const two: SmallModel = {
    outputs: [
      { name: 'map', dims: ['N', 3, 4, 4] },
      { name: 'mean', dims: ['N', 3] },
    ],
    nodes: [pool('pixels', 'map'), mean],
  };

  it('with several outputs gives the one of --output, in train, predict and evaluate', async () => {
    const { code, stderr } = await features('two.onnx', two);
    expect(stderr).toContain('2 outputs (map, mean) and none is called "features": choose one');
    expect(code).toBe(1);
    const train = ['train', 'data', '--backbone', 'two.onnx', '--head', 'linear', '--no-augment'];
    const trained = await cliIn(place, [...train, '--output', 'mean', '--out', 'run']);
    expect(trained.stderr).toContain('Backbone two (features 3)');
    expect(trained.code).toBe(0);
    const evaluated = await cliIn(place, ['evaluate', 'run', 'data']);
    expect(evaluated.stderr).toContain('Backbone two (features 3)');
    expect(evaluated.code).toBe(0);
    expect((await cliIn(place, ['predict', 'run', 'data/red'])).code).toBe(0);
  });

  it('has no such output: wrong usage, with those that there are', async () => {
    const { code, stderr } = await features('two.onnx', two, '--output', 'logits');
    expect(stderr).toContain('two.onnx has no output "logits": it has map, mean.');
    expect(code).toBe(2);
    const ours = ['features', 'data', '--backbone', 'vgg16-untrained', '--output', 'map'];
    const refused = await cliIn(place, ours);
    expect(refused.stderr).toContain('leave out --output');
    expect(refused.code).toBe(2);
  });

  it('that gives probabilities is noted, and one that gives features is not', async () => {
    const softmax = await features('softmax.onnx', {
      outputs: [{ name: 'classes', dims: ['N', 3] }],
      nodes: [mean, node('Softmax', ['mean'], 'classes', { axis: 1 })],
    });
    expect(softmax.stderr).toContain('warning: its features are probabilities of classes');
    expect(softmax.code).toBe(0);
    const plain = await features('mean.onnx', {
      outputs: [{ name: 'mean', dims: ['N', 3] }],
      nodes: [mean],
    });
    expect(plain.stderr).not.toContain('warning: its features');
  });

  it('that gives the 1000 scores of an ImageNet classifier is noted', async () => {
    const { stderr } = await features('scores.onnx', {
      outputs: [{ name: 'logits', dims: ['N', 1000] }],
      nodes: [mean, node('MatMul', ['mean', 'dense'], 'logits')],
      initializers: [floatTensor('dense', [3, 1000], new Float32Array(3000).fill(0.01))],
    });
    expect(stderr).toContain('warning: its features are scores of classes (1000 numbers from a');
  });

  it('whose features are huge is noted, from the cache too', async () => {
    const huge: SmallModel = {
      outputs: [{ name: 'scaled', dims: ['N', 3] }],
      nodes: [mean, node('Mul', ['mean', 'factor'], 'scaled')],
      initializers: [floatTensor('factor', [], [1e30])],
    };
    for (let i = 0; i < 2; i++) {
      const { code, stderr } = await features('huge.onnx', huge, '--feature-dtype', 'float32');
      expect(stderr.match(/warning: features reach \de\+29: /g)).toHaveLength(1);
      expect(code).toBe(0);
    }
  });
});
