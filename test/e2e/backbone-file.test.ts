import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
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
import { repositoryRoot } from '../util/shared.ts';
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
    // A model of other weights in as many bytes is not measured as the run's.
    const model = join(place.path, 'run', 'model.onnx');
    const bytes = await readFile(model);
    await writeFile(model, bytes.fill(1, bytes.length - 1));
    const changed = await cliIn(place, ['evaluate', 'run', 'data']);
    expect(changed.stderr).toMatch(/error: run.model\.onnx was changed since the run was written/);
    expect(changed.code).toBe(1);
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

describe('a classifier as a backbone', () => {
  const fixture = join(repositoryRoot, 'test/fixtures/classifiers/gemm.onnx');
  const cut = ['--backbone', fixture, '--preprocess', 'torch', '--cut-classifier'];
  const plain = ['--head', 'linear', '--no-augment', '--epochs', '3'];
  const layer = 'last dense layer, "/1/Gemm", is given';

  it('gives with --cut-classifier the features before its scores, in train and what follows', async () => {
    const trained = await cliIn(place, ['train', 'data', ...cut, ...plain, '--out', 'cut-run']);
    expect(trained.stderr).toContain('Backbone gemm (features 24)');
    expect(trained.stderr).toContain(layer);
    expect(trained.code).toBe(0);
    const record = JSON.parse(await readFile(join(place.path, 'cut-run/run.json'), 'utf8'));
    expect(record.options.cutClassifier).toBe(true);
    expect(record.backbone).toMatchObject({ cutLayer: '/1/Gemm', featureShape: [24] });
    const evaluated = await cliIn(place, ['evaluate', 'cut-run', 'data']);
    expect(evaluated.stderr).toContain(layer);
    expect(evaluated.stderr).not.toContain('is not here');
    expect(evaluated.code).toBe(0);
    expect((await cliIn(place, ['predict', 'cut-run', 'data/red'])).code).toBe(0);
    expect((await cliIn(place, ['export', 'cut-run', '--out', 'cut-hub'])).code).toBe(0);
  });

  it('is cut for --precision int8 too', async () => {
    const int8 = await cliIn(place, ['features', 'data', ...cut, '--precision', 'int8']);
    expect(int8.stderr).toContain('Backbone gemm (features 24, int8)');
    expect(int8.stderr).toContain(layer);
    expect(int8.code).toBe(0);
  });

  it('is cut where headstart.json says so, and other models are refused', async () => {
    await mkdir(join(place.path, 'configured'));
    await writeFile(
      join(place.path, 'configured/headstart.json'),
      JSON.stringify({ backbone: fixture, preprocess: 'torch', 'cut-classifier': true }),
    );
    const args = ['features', 'data', '--config', 'configured/headstart.json'];
    expect((await cliIn(place, args)).stderr).toContain(layer);
    const model: SmallModel = { outputs: [{ name: 'mean', dims: ['N', 3] }], nodes: [mean] };
    const { code, stderr } = await features('means.onnx', model, '--cut-classifier');
    expect(stderr).toMatch(
      /means\.onnx is not a classifier .* \(its output "mean" does not .* leave out --cut-classifier\.\n/,
    );
    expect(code).toBe(2);
  });
});

describe('a backbone beside what its maker says of images', () => {
  const means: SmallModel = {
    input: { dims: ['N', 3, 'h', 'w'] },
    metadata: {},
    outputs: [{ name: 'mean', dims: ['N', 3] }],
    nodes: [mean],
  };
  const settings = {
    size: { shortest_edge: 10 },
    crop_size: 8,
    resample: 3,
    image_mean: [0.5, 0.5, 0.5],
    image_std: [0.5, 0.5, 0.5],
  };
  const pixels = 'mean 0.5 0.5 0.5, std 0.5 0.5 0.5, scale 1/255';
  const folder = () => join(place.path, 'maker');
  const command = (name: string, ...args: string[]) =>
    cliIn(place, [name, 'data', '--backbone', 'maker/model.onnx', '--no-augment', ...args]);

  beforeAll(async () => {
    await mkdir(folder());
    await writeSmallModel(join(folder(), 'model.onnx'), means);
    await writeFile(join(folder(), 'preprocessor_config.json'), JSON.stringify(settings));
  });

  it('sees images so, and the run, its card and evaluate remember', async () => {
    const trained = await command('train', '--out', 'maker-run');
    expect(trained.stderr).toContain(`Images: shorter-10-floor, bicubic; pixels: ${pixels}`);
    expect(trained.code).toBe(0);
    const record = JSON.parse(await readFile(join(place.path, 'maker-run/run.json'), 'utf8'));
    const images = { resize: 'bicubic', fit: 'shorter-10-floor' };
    expect(record.image).toEqual({ height: 8, width: 8, ...images });
    expect(record.options).toMatchObject(images);
    expect(record.backbone.preprocessing).toBe(pixels);
    const again = await cliIn(place, ['evaluate', 'maker-run', 'data']);
    expect(again.stderr).not.toContain('is not here');
    expect(again.code).toBe(0);
    // Without the maker's file the run's own model is used: with the same settings, from run.json.
    await rename(join(folder(), 'preprocessor_config.json'), join(folder(), 'kept.json'));
    const alone = await cliIn(place, ['evaluate', 'maker-run', 'data']);
    expect(alone.stderr).toContain('backbone is not here');
    expect(alone.stdout).toBe(again.stdout);
    await rename(join(folder(), 'kept.json'), join(folder(), 'preprocessor_config.json'));
    expect((await cliIn(place, ['export', 'maker-run', '--out', 'maker-hub'])).code).toBe(0);
    const card = await readFile(join(place.path, 'maker-hub/README.md'), 'utf8');
    expect(card).toContain('scaled, their shorter side to 10 pixels, and cut to the 8 x 8 in the');
    expect(card).toContain('Image.Resampling.BICUBIC).crop(box)');
  });

  it('sees images as the options say, where they say', async () => {
    const other = await command('features', '--fit', 'pad');
    expect(other.stderr).toContain('Images: pad, bicubic; pixels: mean');
    const numbers = ['--mean', '0.5,0.5,0.5', '--std', '0.5,0.5,0.5', '--image-size', '14'];
    const given = await command('features', ...numbers, '--fit', 'shorter-16');
    expect(given.stderr).not.toContain('Images:');
    expect(given.code).toBe(0);
    const named = await command('features', '--preprocess', 'maker/preprocessor_config.json');
    expect(named.stderr).toContain('Images: shorter-10-floor');
    // They are in the cache by now.
    expect(named.stderr + named.stdout).toContain('16 from the cache');
  });

  it.each([
    [['--preprocess', 'touch'], 'caffe, torch, rescale, none or a .json file'],
    [['--preprocess', 'none.json'], 'Cannot read none.json'],
    [['--preprocess', 'torch', '--mean', '0,0,0'], 'either --preprocess, or --mean, --std and'],
    [['--mean', '1,2'], 'red, green and blue'],
    [['--std', '1,0,1'], 'above 0'],
    [['--fit', 'shorter-0'], 'shorter-N'],
    [['--image-size', '4096'], 'give 2048 or less'],
  ])('is not used with %j: wrong usage', async (args, sentence) => {
    const { code, stderr } = await command('features', ...args);
    expect(stderr).toContain(sentence);
    expect(code).toBe(2);
  });
});

describe('a run from feature files that this program wrote', () => {
  const files = ['--features', 'f.safetensors', '--val-features', 'f.validation.safetensors'];
  const plain = ['--head', 'linear', '--epochs', '20'];
  const model: SmallModel = { outputs: [{ name: 'mean', dims: ['N', 3] }], nodes: [mean] };

  beforeAll(async () => {
    const made = await features('mean.onnx', model, '--out', 'f.safetensors', '--fit', 'crop');
    expect(made.code).toBe(0);
  });

  it('labels images as a run from the images does: the backbone is found by its digest', async () => {
    const trained = await cliIn(place, ['train', ...files, ...plain, '--out', 'from-files']);
    expect(trained.code).toBe(0);
    const record = JSON.parse(await readFile(join(place.path, 'from-files/run.json'), 'utf8'));
    expect(record.backbone.name).toBe('mean');
    expect(record.image).toEqual({ height: 8, width: 8, resize: 'bilinear', fit: 'crop' });
    const fromImages = ['train', 'data', '--backbone', 'mean.onnx', '--fit', 'crop', ...plain];
    await cliIn(place, [...fromImages, '--no-augment', '--out', 'from-images']);
    const [fromFiles, ofImages] = await Promise.all(
      ['from-files', 'from-images'].map(async (run) => {
        const args = ['predict', run, 'data', '--format', 'csv', '--probabilities', 'all'];
        const { code, stdout } = await cliIn(place, args);
        expect(code).toBe(0);
        return stdout;
      }),
    );
    expect(fromFiles).toBe(ofImages);
    expect(fromFiles?.split('\n').length).toBeGreaterThan(16);
  });

  it('takes a backbone that is not among the models where --backbone names it, and no other', async () => {
    const elsewhere = ['--models-dir', join(place.path, 'other-models'), ...plain];
    const without = await cliIn(place, ['train', ...files, ...elsewhere, '--out', 'without']);
    expect(without.stderr).toContain(
      'The backbone of f.safetensors, mean, is not among the models',
    );
    expect(without.code).toBe(0);
    const named = ['train', ...files, ...elsewhere, '--backbone'];
    expect((await cliIn(place, [...named, 'mean.onnx', '--out', 'named'])).code).toBe(0);
    expect((await cliIn(place, ['predict', 'named', 'data/red'])).code).toBe(0);
    await writeSmallModel(join(place.path, 'max.onnx'), {
      ...rescaled,
      outputs: [{ name: 'max', dims: ['N', 3] }],
      nodes: [node('ReduceMax', ['pixels'], 'max', { axes: [2, 3], keepdims: 0 })],
    });
    const other = await cliIn(place, [...named, 'max.onnx', '--out', 'other']);
    expect(other.stderr).toMatch(
      /error: max\.onnx, given as --backbone, did not make the features of f\.safetensors: that was mean with/,
    );
    expect(other.code).toBe(2);
  });

  it('is not trained and validated on features made in different ways', async () => {
    await features('mean.onnx', model, '--out', 'g.safetensors', '--fit', 'pad');
    const mixed = ['--features', 'f.safetensors', '--val-features', 'g.validation.safetensors'];
    const { code, stderr } = await cliIn(place, ['train', ...mixed, ...plain, '--out', 'mixed']);
    expect(stderr).toContain('were made in different ways (fit: crop and pad)');
    expect(code).toBe(1);
  });
});
