import { join } from 'node:path';
import {
  classifierOn,
  isHeadOn,
  loadClassifier,
  openRunBackbone,
  readTrainedRun,
  train,
} from '@headstart/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type TemporaryFolder,
  temporaryFolder,
  tinyBackbone,
  writePictures,
} from '../../util/workspace.ts';

const heads = ['conv', 'linear', 'mlp'] as const;
let place: TemporaryFolder;
const at = (...parts: string[]) => join(place.path, ...parts);

beforeAll(async () => {
  place = await temporaryFolder();
  await writePictures(at('data'), ['blue', 'red'], 8);
  for (const head of heads) {
    await train({
      data: at('data'),
      backbone: tinyBackbone,
      head,
      out: at(head),
      epochs: 3,
      cacheDir: at('cache'),
      modelsDir: at('models'),
      device: 'cpu',
    });
  }
});
afterAll(() => place[Symbol.asyncDispose]());

const images = () => ['data/blue/blue-001.png', 'data/red/red-002.png'].map((file) => at(file));

async function probabilities(classifier: Awaited<ReturnType<typeof loadClassifier>>) {
  const rows: number[][] = [];
  for await (const item of classifier.classify(images())) {
    if ('error' in item) throw new Error(item.error);
    const byName = [...item.ranking].sort((a, b) => (a.label < b.label ? -1 : 1));
    rows.push(byName.map(({ probability }) => probability));
  }
  return rows;
}

describe('a backbone that heads share', () => {
  test('gives with each head what the run’s own model gives', async () => {
    await using backbone = await openRunBackbone(at('conv'), { device: 'cpu' });
    for (const head of heads) {
      const run = await readTrainedRun(at(head));
      expect(isHeadOn(backbone, run.record)).toBe(true);
      await using shared = await classifierOn(backbone, run);
      await using own = await loadClassifier(at(head), { device: 'cpu' });
      const [ours, expected] = [await probabilities(shared), await probabilities(own)];
      ours.flat().forEach((value, i) => {
        expect(value).toBeCloseTo(expected.flat()[i] as number, 5);
      });
    }
  });

  test('stays open where one head is closed, also within its run', async () => {
    await using backbone = await openRunBackbone(at('conv'), { device: 'cpu' });
    const first = await classifierOn(backbone, await readTrainedRun(at('conv')));
    await using second = await classifierOn(backbone, await readTrainedRun(at('linear')));
    const read = await Promise.all(images().map((image) => first.read(image)));
    const labelled = first.label(read);
    await first.close();
    expect(await labelled).toHaveLength(2);
    await expect(first.label(read)).rejects.toThrow('there is no head');
    expect(await second.label(read)).toHaveLength(2);
  });

  test('refuses a head on another backbone', async () => {
    await using backbone = await openRunBackbone(at('conv'), { device: 'cpu' });
    const run = await readTrainedRun(at('linear'));
    const other = { ...run.record.backbone, sha256: '0'.repeat(64) } as never;
    const foreign = { ...run, record: { ...run.record, backbone: other } };
    expect(isHeadOn(backbone, foreign.record)).toBe(false);
    await expect(classifierOn(backbone, foreign)).rejects.toThrow('not one on this backbone');
  });
});
