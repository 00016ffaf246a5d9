import { fileURLToPath } from 'node:url';
import { type LayerSpec, type TensorMap, Trainer } from '@headstart/native';
import { describe, expect, test } from 'vitest';
import { SafetensorsFile } from '#core/base/safetensors';
import { makeStore, range, relativeError, type Shape } from '../native/support/heads.ts';

/**
 * Every layer at odd sizes, label smoothing, L2 and class weights, against Keras 3.15.1 on
 * TensorFlow 2.21.0 in float64 (fixtures/scripts/head-layers.py). Tolerance: 1e-5 of the largest
 * number of the tensor.
 */
const path = fileURLToPath(new URL('../fixtures/head/layers.safetensors', import.meta.url));
const file = await SafetensorsFile.open(path);
const cases = Object.keys(file.header.metadata).filter(
  (name) => !/^(keras|tensorflow)$/.test(name),
);

interface Description {
  readonly shape: Shape;
  readonly layers: LayerSpec[];
  readonly labelSmoothing: number;
  readonly l2: number;
}

async function tensors(name: string): Promise<Record<string, { shape: number[]; bytes: Buffer }>> {
  const found: Record<string, { shape: number[]; bytes: Buffer }> = {};
  for (const [key, { shape, begin, end }] of file.header.tensors) {
    if (!key.startsWith(`${name}/`)) continue;
    const bytes = await file.read(begin, end);
    found[key.slice(name.length + 1)] = { shape: [...shape], bytes: Buffer.from(bytes) };
  }
  return found;
}

const floats = ({ buffer, byteOffset, length }: Buffer) =>
  new Float32Array(buffer.slice(byteOffset, byteOffset + length));

describe.each(cases)('%s', (name) => {
  test('probabilities, loss and every gradient are Keras’s', async () => {
    const { shape, layers, labelSmoothing, l2 } = JSON.parse(
      file.header.metadata[name] as string,
    ) as Description;
    const fixture = await tensors(name);
    const get = (key: string) => floats(fixture[key]!.bytes);
    const labels = new Int32Array(get('labels').buffer);
    const classes = (layers.at(-1) as { units: number }).units;
    const classWeights = fixture.class_weights && get('class_weights');
    const head = { seed: 0, learningRate: 1e-3, labelSmoothing, l2, classWeights };
    const trainer = new Trainer({ inputShape: shape, layers, classes, heads: [head] });
    const weights: TensorMap = {};
    for (const key of Object.keys(trainer.getWeights())) {
      weights[key] = { shape: fixture[`weights/${key}`]!.shape, data: get(`weights/${key}`) };
    }
    trainer.setWeights(weights);
    const store = makeStore(shape, get('inputs'));
    const rows = range(labels.length);
    expect(
      relativeError(await trainer.predict({ store, rows }), get('probabilities')),
    ).toBeLessThan(1e-5);
    const { loss, gradients } = await trainer.gradients({ store, rows, labels });
    expect(relativeError([loss], get('loss')), 'loss').toBeLessThan(1e-5);
    const { loss: measured } = await trainer.evaluate({ store, rows, labels });
    if (!classWeights) expect(relativeError([measured], get('loss'))).toBeLessThan(1e-5);
    // Where there is one class, every gradient is zero but for the penalty.
    for (const [key, { data }] of Object.entries(gradients)) {
      const reference = get(`gradients/${key}`);
      if (classes > 1) expect(relativeError(data, reference), key).toBeLessThan(1e-5);
      else expect(Math.max(...data.map(Math.abs)), key).toBeLessThan(1e-6);
    }
  });
});

test('the cases have every layer', () => {
  const all = cases.flatMap(
    (name) => (JSON.parse(file.header.metadata[name] as string) as Description).layers,
  );
  const types = new Set(all.map(({ type }) => type));
  expect([...types].sort()).toEqual([
    'conv2d',
    'dense',
    'flatten',
    'global_average_pool2d',
    'max_pool2d',
  ]);
});
