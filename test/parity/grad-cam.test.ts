import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { SafetensorsFile } from '#core/base/safetensors';
import { HeadExplainer, type HeadLayer, type HeadWeights, resolveHead } from '#core/head';
import { relativeError } from '../native/support/heads.ts';

/**
 * Heat maps and probabilities against PyTorch 2.13.0's automatic differentiation in float64
 * (fixtures/scripts/grad-cam.py). Tolerance: 1e-5 of the largest number.
 */
const path = fileURLToPath(new URL('../fixtures/head/grad-cam.safetensors', import.meta.url));
const file = await SafetensorsFile.open(path);
const cases = Object.keys(file.header.metadata).filter((name) => name !== 'torch');

async function tensor(name: string) {
  const entry = file.header.tensors.get(name);
  if (!entry) throw new Error(`the fixture has no ${name}`);
  const bytes = Uint8Array.from(await file.read(entry.begin, entry.end));
  return { shape: entry.shape, data: new Float32Array(bytes.buffer) };
}

describe.each(cases)('Grad-CAM of the head %s', (name) => {
  test('is PyTorch’s for every class', async () => {
    const { shape, layers } = JSON.parse(file.header.metadata[name] as string) as {
      shape: number[];
      layers: HeadLayer[];
    };
    const maps = await tensor(`${name}/maps`);
    const classes = maps.shape[0] as number;
    const head = resolveHead({ name, layers }, { featureShape: shape, classes });
    const weights: HeadWeights = Object.fromEntries(
      await Promise.all(
        head.parameters.map(async (p) => [p.name, await tensor(`${name}/weights/${p.name}`)]),
      ),
    );
    const { data: features } = await tensor(`${name}/features`);
    const explained = new HeadExplainer(head, weights).explain(features);
    const { data: probabilities } = await tensor(`${name}/probabilities`);
    expect(relativeError(explained.probabilities, probabilities)).toBeLessThan(1e-5);
    const places = (shape[0] as number) * (shape[1] as number);
    for (let label = 0; label < classes; label++) {
      const { height, width, values } = explained.heatMap(label);
      expect([height, width]).toEqual(shape.slice(0, 2));
      const expected = maps.data.subarray(label * places, (label + 1) * places);
      expect(relativeError(values, expected), `class ${label}`).toBeLessThan(1e-5);
    }
  });
});
