import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Backbone, type BackboneFile, locateBackbone } from '#core/backbone';
import { loadClassifier } from '#core/classify';
import { memoryFeatureSet } from '#core/features';
import {
  type HeadPreset,
  type HeadWeights,
  headPreset,
  predictHead,
  resolveHead,
} from '#core/head';
import { decodeImage } from '#core/image';
import { writeRun } from '#core/run';
import { sharedPath } from '../../util/shared.ts';
import { contentsOfRun } from '../run/contents.ts';

const model = sharedPath('weights/squeezenet1_1.onnx');
const image = { height: 224, width: 224, resize: 'bilinear' } as const;

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'headstart-'));
});
afterAll(() => rm(root, { recursive: true }));

/** Pictures that differ: gradients of different colours, as JPEG files' bytes. */
async function pictures(count: number): Promise<{ name: string; bytes: Buffer }[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const svg = `<svg width="320" height="240"><defs><linearGradient id="g">
        <stop stop-color="hsl(${i * 67},80%,50%)"/><stop offset="1" stop-color="hsl(${i * 31},60%,20%)"/>
        </linearGradient></defs><rect width="320" height="240" fill="url(#g)"/>
        <circle cx="${60 + i * 30}" cy="120" r="${20 + 9 * i}" fill="hsl(${i * 97},70%,60%)"/></svg>`;
      return { name: `${i}.jpg`, bytes: await sharp(Buffer.from(svg)).jpeg().toBuffer() };
    }),
  );
}

/** Weights that make a difference: small numbers from a sine. */
function someWeights(
  parameters: readonly { name: string; shape: readonly number[] }[],
): HeadWeights {
  return Object.fromEntries(
    parameters.map(({ name, shape }, k) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const data = Float32Array.from({ length: size }, (_, i) => Math.sin(i * 12.9898 + k) / 12);
      return [name, { shape, data }];
    }),
  );
}

describe.skipIf(model === undefined)('a run with a model', () => {
  const bytes = pictures(5);
  const classes = ['green', 'red'];

  async function makeRun(preset: HeadPreset, file: BackboneFile, backbone: Backbone) {
    const { featureShape } = backbone.info;
    const head = resolveHead(headPreset(preset), { featureShape, classes: 2 });
    const weights = someWeights(head.parameters);
    const contents = contentsOfRun();
    const record = {
      ...contents.record,
      head,
      image,
      backbone: { ...backbone.info, featureShape },
    };
    const folder = join(root, preset);
    await writeRun(folder, { ...contents, record, weights, backbonePath: file.path });
    return { folder, head, weights };
  }

  test.each(['linear', 'conv', 'mlp'] as const)(
    'with the head %s labels images as features and head do, wherever it is moved',
    async (preset) => {
      const file = await locateBackbone(model as string, { modelsDir: root });
      await using backbone = await Backbone.open(file, { device: 'cpu' });
      const { folder, head, weights } = await makeRun(preset, file, backbone);
      const images = await bytes;
      const pixels = await Promise.all(images.map((i) => decodeImage(i.bytes, image, i.name)));
      const rows = await backbone.run(Buffer.concat(pixels), images.length);
      const samples = images.map(({ name }, i) => ({ name, label: 0, rows: [i] }));
      const shape = backbone.info.featureShape;
      const features = memoryFeatureSet({ shape, samples, rows });
      const expected = await predictHead({ features, head, weights });

      const moved = join(root, `${preset}-moved`);
      await cp(folder, moved, { recursive: true });
      await using classifier = await loadClassifier(moved, { device: 'cpu' });
      let i = 0;
      for await (const result of classifier.classify(images, { batchSize: 2 })) {
        if ('error' in result) throw new Error(result.error);
        const { name, ranking, label } = result;
        expect(name).toBe(`${i}.jpg`);
        const byClass = new Map(ranking.map((r) => [r.label, r.probability]));
        classes.forEach((c, k) => {
          expect(byClass.get(c)).toBeCloseTo(expected[2 * i + k] as number, 4);
        });
        expect(label).toBe(ranking[0]?.label);
        i++;
      }
      expect(i).toBe(5);
      // The head's weights must matter, or agreement would say nothing.
      const first = [...expected].filter((_, j) => j % 2 === 0);
      expect(Math.max(...first) - Math.min(...first)).toBeGreaterThan(1e-3);
    },
  );

  test('whose record and model do not belong together is refused', async () => {
    const file = await locateBackbone(model as string, { modelsDir: root });
    await using backbone = await Backbone.open(file, { device: 'cpu' });
    const contents = contentsOfRun();
    const { featureShape } = backbone.info;
    const head = resolveHead(headPreset('linear'), { featureShape, classes: 2 });
    const record = {
      ...contents.record,
      head,
      image: { ...image, height: 128 },
      backbone: { ...backbone.info, featureShape },
    };
    const folder = join(root, 'mismatch');
    const weights = someWeights(head.parameters);
    await writeRun(folder, { ...contents, record, weights, backbonePath: file.path });
    await expect(loadClassifier(folder, { device: 'cpu' })).rejects.toMatchObject({
      code: 'RUN_INVALID',
      message: expect.stringContaining('takes 224x224 images and gives 2 numbers'),
    });
  });
});
