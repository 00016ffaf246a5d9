import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cliIn } from '../util/place.ts';
import { type TemporaryFolder, temporaryFolder, writePictures } from '../util/workspace.ts';

let place: TemporaryFolder;

const cli = (...args: string[]) => cliIn(place, args);

const small = ['--backbone', 'vgg16-untrained', '--layer', 'block1_pool', '--image-size', '64'];

beforeAll(async () => {
  place = await temporaryFolder();
  await writePictures(join(place.path, 'data'), ['blue', 'green', 'red'], 10);
});
afterAll(() => place[Symbol.asyncDispose]());

describe('--layer, --image-size and --fit', () => {
  it('decide what the head sees, and a run keeps to them', async () => {
    const chosen = [...small, '--fit', 'pad', '--no-augment', '--head', 'linear'];
    const trained = await cli('train', 'data', ...chosen, '--epochs', '5', '--out', 'run');
    expect(trained.stderr).toContain('Backbone vgg16-untrained (features 32x32x64)');
    expect(trained.code).toBe(0);
    const record = JSON.parse(await readFile(join(place.path, 'run/run.json'), 'utf8'));
    expect(record).toMatchObject({
      image: { height: 64, width: 64, resize: 'bilinear', fit: 'pad' },
      backbone: { layer: 'block1_pool', featureShape: [32, 32, 64] },
    });
    const evaluated = await cli('evaluate', 'run', 'data', '--json');
    // The features of training are found again: nothing is computed with another model.
    expect(evaluated.stderr).toContain('Backbone vgg16-untrained (features 32x32x64)');
    expect(evaluated.stderr).not.toContain('model.onnx is used');
    const predicted = await cli('predict', 'run', 'data/red', '--format', 'json');
    const judged = JSON.parse(predicted.stdout) as { label: string }[];
    const right = judged.filter(({ label }) => label === 'red').length;
    const { confusion } = JSON.parse(evaluated.stdout);
    expect(right).toBe(confusion.counts[2][2]);
  });

  it('are told apart in the cache', async () => {
    const counts = [];
    for (const fit of ['stretch', 'crop', 'crop']) {
      const args = [...small, '--no-augment', '--fit', fit, '--json'];
      counts.push(JSON.parse((await cli('features', 'data', ...args)).stdout));
    }
    expect(counts.map(({ computed }) => computed)).toEqual([30, 30, 0]);
  });

  it('are refused where they do not fit, before anything is read', async () => {
    const wrongSize = await cli('features', 'data', '--image-size', '100');
    expect(wrongSize.stderr).toContain('Images cannot be 100 pixels wide: give a multiple of 32');
    expect(wrongSize.code).toBe(2);
    const wrongLayer = await cli('train', 'data', '--layer', 'fc1');
    expect(wrongLayer.stderr).toContain('VGG16 has no layer "fc1": there are block1_conv1,');
    expect(wrongLayer.code).toBe(2);
  });
});
