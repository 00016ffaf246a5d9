import { fileURLToPath } from 'node:url';
import { type TensorMap, Trainer } from '@headstart/native';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SafetensorsFile } from '#core/base/safetensors';
import { convHead, makeStore, range, relativeError } from '../native/support/heads.ts';

/**
 * Against Keras 3.15.0 on TensorFlow 2.21.0 (fixtures/scripts/head-keras.py): the original head from
 * the same inputs and initial weights. Tolerances: probabilities and gradients 1e-5 of the largest
 * number of the tensor; losses 1e-4 relative, final weights 1e-3 of the largest, as the two add in
 * different orders and 30 steps let that grow.
 */
const [samples, batchSize, classes, steps, stride, full] = [20, 8, 5, 30, 23, 1500];
const classWeights = Float32Array.of(0.5, 2, 1, 1.5, 0.25);

/** The formula of the fixture script, number for number. */
function numbers(stream: number, count: number): Float64Array {
  const start = Math.imul(stream, 0x9e3779b1);
  return Float64Array.from({ length: count }, (_, i) => {
    let h = (start + i) >>> 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
  });
}

function initialWeights(trainer: Trainer): TensorMap {
  const weights = trainer.getWeights();
  Object.values(weights).forEach(({ shape, data }, i) => {
    const product = (sides: readonly number[]) => sides.reduce((a, b) => a * b, 1);
    const fans = product(shape.slice(0, -1)) + product(shape.slice(0, -2)) * shape.at(-1)!;
    const limit = shape.length === 1 ? 0.1 : Math.sqrt(6 / fans);
    data.set(numbers(i + 1, data.length).map((value) => (value * 2 - 1) * limit));
  });
  return weights;
}

/** As the fixture keeps it. */
function kept(data: Float32Array, whole: boolean): Float32Array {
  return whole || data.length <= full ? data : data.filter((_, i) => i % stride === 0);
}

describe.each([32, 512])('the original head on 7x7x%i', (channels) => {
  const shape = [7, 7, channels] as const;
  const labels = range(samples).map((i) => (i * 3) % classes);
  let file: SafetensorsFile;
  let inputs: Float32Array;

  beforeAll(async () => {
    const path = `../fixtures/head/head-7x7x${channels}.safetensors`;
    file = await SafetensorsFile.open(fileURLToPath(new URL(path, import.meta.url)));
    const stream = Number(file.header.metadata.input_stream);
    inputs = Float32Array.from(numbers(stream, samples * 49 * channels));
  });
  afterAll(() => file.close());

  async function expected(name: string): Promise<Float32Array> {
    const entry = file.header.tensors.get(name);
    if (!entry) throw new Error(`the fixture has no ${name}`);
    return new Float32Array((await file.read(entry.begin, entry.end)).buffer);
  }

  describe.each([
    ['plain', undefined],
    ['weighted', classWeights],
  ] as const)('%s', (key, weights) => {
    function setUp() {
      const store = makeStore(shape, inputs);
      const heads = [{ seed: 0, learningRate: 1e-3, classWeights: weights }];
      const trainer = new Trainer({ inputShape: shape, layers: convHead(classes), classes, heads });
      trainer.setWeights(initialWeights(trainer));
      return { store, trainer };
    }

    test('probabilities, loss and all gradients', async () => {
      const { store, trainer } = setUp();
      const rows = range(samples);
      const probabilities = await trainer.predict({ store, rows });
      expect(relativeError(probabilities, await expected(`${key}/probabilities`))).toBeLessThan(
        1e-5,
      );
      const { loss, gradients } = await trainer.gradients({ store, rows, labels });
      expect(relativeError([loss], await expected(`${key}/loss`))).toBeLessThan(1e-5);
      expect(Object.keys(gradients)).toHaveLength(8);
      for (const [name, { data }] of Object.entries(gradients)) {
        const whole = channels === 32 && key === 'plain';
        const reference = await expected(`${key}/gradients/${name}`);
        expect(relativeError(kept(data, whole), reference), name).toBeLessThan(1e-5);
      }
    });

    test('losses of 30 Adam steps, and the weights after them', async () => {
      const { store, trainer } = setUp();
      const reference = await expected(`${key}/losses`);
      for (let step = 0; step < steps; step++) {
        const begin = (step % Math.ceil(samples / batchSize)) * batchSize;
        const rows = range(samples).slice(begin, begin + batchSize);
        const batch = { rows, labels: labels.slice(begin, begin + batchSize) };
        const [metrics] = await trainer.trainSteps({ store, batches: [batch], batchSize });
        expect(relativeError([metrics!.loss], [reference[step]!]), `step ${step}`).toBeLessThan(
          1e-4,
        );
      }
      for (const [name, { data }] of Object.entries(trainer.getWeights())) {
        const final = await expected(`${key}/weights/${name}`);
        expect(relativeError(kept(data, false), final), name).toBeLessThan(1e-3);
      }
    });
  });
});
