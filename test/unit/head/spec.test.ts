import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type HeadPreset, headPreset, loadHeadSpec, parseHeadSpec, resolveHead } from '#core/head';

const map = [7, 7, 512];
const preset = (name: HeadPreset, featureShape: readonly number[] = map, dropout?: number) =>
  resolveHead(headPreset(name), { featureShape, classes: 3, dropout });
const shapes = (head: ReturnType<typeof resolveHead>) =>
  Object.fromEntries(head.parameters.map(({ name, shape }) => [name, shape]));

describe('presets', () => {
  test('conv is the head of the original script', () => {
    const head = preset('conv');
    expect(head.layers.map(({ type }) => type)).toEqual([
      'conv2d',
      'max_pool2d',
      'dropout',
      'conv2d',
      'max_pool2d',
      'flatten',
      'dense',
      'dense',
    ]);
    expect(shapes(head)).toEqual({
      'conv2d/kernel': [3, 3, 512, 32],
      'conv2d/bias': [32],
      'conv2d_1/kernel': [3, 3, 32, 64],
      'conv2d_1/bias': [64],
      'dense/kernel': [256, 128],
      'dense/bias': [128],
      'dense_1/kernel': [128, 3],
      'dense_1/bias': [3],
    });
    // What Keras's model.summary() counts for this head.
    expect(head.parameterCount).toBe(147_488 + 18_496 + 32_896 + 387);
  });

  test('linear pools a map and takes a vector as it is', () => {
    expect(preset('linear').layers.map(({ type }) => type)).toEqual([
      'global_average_pool2d',
      'dense',
    ]);
    const vector = preset('linear', [1280]);
    expect(vector.layers.map(({ type }) => type)).toEqual(['dense']);
    expect(vector.inputShape).toEqual([1, 1, 1280]);
    expect(shapes(vector)).toEqual({ 'dense/kernel': [1280, 3], 'dense/bias': [3] });
  });

  test('mlp has a hidden layer', () => {
    expect(shapes(preset('mlp'))).toMatchObject({
      'dense/kernel': [512, 256],
      'dense_1/kernel': [256, 3],
    });
  });

  test('conv is refused on vectors, with what to use', () => {
    expect(() => preset('conv', [1280])).toThrow(
      'gives vectors of 1280 numbers: use the head linear or mlp',
    );
  });

  test('fit odd maps', () => {
    expect(shapes(preset('conv', [1, 1, 8]))['dense/kernel']).toEqual([64, 128]);
    expect(shapes(preset('conv', [5, 3, 8]))['dense/kernel']).toEqual([2 * 1 * 64, 128]);
  });
});

describe('dropout', () => {
  test('replaces the rate of each dropout layer', () => {
    expect(preset('conv', map, 0.5).layers[2]).toEqual({ type: 'dropout', rate: 0.5 });
    expect(preset('conv').layers[2]).toEqual({ type: 'dropout', rate: 0.25 });
  });

  test.each([-0.1, 1, Number.NaN])('refuses the rate %d', (rate) => {
    expect(() => preset('conv', map, rate)).toThrow('Dropout must be from 0 to below 1');
  });

  test('is refused where it would do nothing', () => {
    expect(() => preset('linear', map, 0.5)).toThrow('The head linear has no dropout layer');
  });
});

describe('a head from JSON', () => {
  const parse = (layers: unknown) => parseHeadSpec(JSON.stringify({ layers }), 'heads/mine.json');
  const resolve = (layers: unknown, featureShape: readonly number[] = map) =>
    resolveHead(parse(layers), { featureShape, classes: 3 });
  const last = { type: 'dense', units: 'classes' };

  test('has the name of its file and layers named as Keras names them', () => {
    const head = resolve([
      { type: 'conv2d', filters: 8, kernelSize: 1, activation: 'relu' },
      { type: 'global_average_pool2d' },
      { type: 'dense', units: 16, name: 'hidden' },
      { type: 'dense', units: 16 },
      last,
    ]);
    expect(head.name).toBe('mine');
    expect(Object.keys(shapes(head)).filter((name) => name.endsWith('kernel'))).toEqual([
      'conv2d/kernel',
      'hidden/kernel',
      'dense/kernel',
      'dense_1/kernel',
    ]);
  });

  test('passes over names that are given', () => {
    const head = resolve([{ type: 'flatten' }, { type: 'dense', units: 4, name: 'dense' }, last]);
    expect(shapes(head)).toHaveProperty('dense_1/kernel', [4, 3]);
  });

  test.each([
    ['[]', 'must be an object with a list "layers"'],
    ['{ "layers": [] }', 'at least one layer'],
    ['nonsense', 'heads/mine.json is not JSON'],
    ['null', 'must be an object with a list "layers"'],
  ])('refuses the text %s', (text, message) => {
    expect(() => parseHeadSpec(text, 'heads/mine.json')).toThrow(message);
  });

  test.each([
    [[7], 'layer 1 must be an object'],
    [[{ type: 'lstm' }], 'layer 1 has the unknown type "lstm": use one of conv2d'],
    [[{ type: 'toString' }], 'unknown type "toString"'],
    [[{ type: 'flatten', units: 3 }], 'layer 1 (flatten) has the unknown key "units"'],
    [[{ type: 'conv2d', filters: 0, kernelSize: 3 }], 'needs "filters" as an integer from 1'],
    [[{ type: 'conv2d', filters: 8, kernelSize: 5 }], 'needs "kernelSize" 1 or 3, not 5'],
    [[{ type: 'conv2d', filters: 8 }], 'needs "kernelSize" 1 or 3, not nothing'],
    [[{ type: 'dropout', rate: 1 }], 'needs "rate" from 0 to below 1, not 1'],
    [[{ type: 'dense', units: '3' }], '65536, or "classes", not "3"'],
    [[{ ...last, activation: 'softmax' }], 'softmax is part of the loss, leave it out'],
    [[{ ...last, activation: 'tanh' }], 'needs "activation" relu or linear, not "tanh"'],
    [[{ ...last, name: 'a/b' }], 'needs a "name" of letters, digits and _'],
  ])('refuses %j', (layers, message) => {
    expect(() => parse(layers)).toThrow(message);
  });

  test.each([
    [[last], 'Layer 1 (dense) of the head mine needs a vector'],
    [[{ type: 'flatten' }, { type: 'max_pool2d' }, last], 'Layer 2 (max_pool2d)'],
    [[{ type: 'flatten' }], 'must end in a dense layer without activation'],
    [[{ type: 'flatten' }, { ...last, activation: 'relu' }], 'must end in a dense layer'],
    [
      [{ type: 'flatten' }, { type: 'dense', units: 4 }],
      'ends in 4 units, but there are 3 classes',
    ],
    [
      [{ type: 'flatten' }, { type: 'dense', units: 65536 }, last],
      'pool before the first dense layer',
    ],
    [
      [{ type: 'flatten' }, { type: 'dense', units: 2, name: 'a' }, { ...last, name: 'a' }],
      'has two layers named a',
    ],
  ])('that does not fit its input is refused: %j', (layers, message) => {
    expect(() => resolve(layers)).toThrow(message);
  });
});

describe('loadHeadSpec', () => {
  test('reads presets and files', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'headstart-'));
    try {
      const file = join(folder, 'tiny.json');
      await writeFile(file, '{"layers":[{"type":"flatten"},{"type":"dense","units":"classes"}]}');
      expect((await loadHeadSpec(file)).name).toBe('tiny');
      expect(await loadHeadSpec('mlp')).toEqual(headPreset('mlp'));
      await expect(loadHeadSpec(join(folder, 'no.json'))).rejects.toThrow('Cannot read the head');
      await expect(loadHeadSpec('resnet')).rejects.toThrow(
        'There is no head "resnet": use conv, linear, mlp, mlp-64 (or another width), or a FILE.json.',
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
