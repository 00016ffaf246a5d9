import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Fit, loadClassifier, loadExplainer, train } from '@headstart/core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HeadExplainer, headPreset, resolveHead } from '#core/head';
import { overlayHeat, readPicture } from '#core/image';
import { type TemporaryFolder, temporaryFolder, tinyBackbone } from '../../util/workspace.ts';

const size = 64;
const objects = { red: [230, 40, 30], blue: [40, 60, 235] } as const;
type Colour = keyof typeof objects;

interface Planted {
  readonly colour: Colour;
  readonly x: number;
  readonly y: number;
}

/** Discs of radius 8 on dark noise. */
function picture(seed: number, planted: readonly Planted[]) {
  const pixels = Buffer.alloc(size * size * 3);
  for (let i = 0; i < size * size; i++) {
    const noise = ((i * 1103515245 + seed * 12345) >>> 16) % 20;
    const [x, y] = [i % size, Math.floor(i / size)];
    const object = planted.find((p) => Math.hypot(x - p.x, y - p.y) <= 8);
    for (let c = 0; c < 3; c++) pixels[i * 3 + c] = object ? objects[object.colour][c]! : noise;
  }
  return sharp(pixels, { raw: { width: size, height: size, channels: 3 } }).png();
}

/** Anywhere in the picture; the same for the same seed. */
function place(seed: number): { x: number; y: number } {
  const along = (n: number) => 10 + ((Math.imul(seed + 1, n) >>> 8) % (size - 20));
  return { x: along(2654435761), y: along(2246822519) };
}

let root: TemporaryFolder;
const runs: Record<string, string> = {};
beforeAll(async () => {
  root = await temporaryFolder();
  const data = join(root.path, 'data');
  // Of `none`, the background alone: else its absence would be as good a sign as the object.
  for (const [k, colour] of (['red', 'blue', 'none'] as const).entries()) {
    await mkdir(join(data, colour), { recursive: true });
    for (let i = 0; i < 60; i++) {
      const seed = 3 * i + k;
      const planted = colour === 'none' ? [] : [{ colour, ...place(seed) }];
      await picture(seed, planted).toFile(join(data, colour, `${i}.png`));
    }
  }
  for (const head of ['conv', 'linear', 'mlp'] as const) {
    const out = join(root.path, head);
    const cacheDir = join(root.path, 'cache');
    await train({
      data,
      head,
      out,
      cacheDir,
      backbone: tinyBackbone,
      device: 'cpu',
      epochs: 80,
      learningRate: 1e-2,
      earlyStopping: { enabled: false },
      // Of the linear head, the first epoch of the best accuracy is hardly sure of red.
      restoreBest: head !== 'linear',
    });
    runs[head] = out;
  }
}, 60_000);
afterAll(() => root[Symbol.asyncDispose]());

/** An object's radius and half the diagonal of the map's cells. */
const near = 14;

/**
 * The share of the heat near an object, and how far from it the hottest cell's centre is. Of even
 * heat, a seventh would be there.
 */
function heatAt(map: { height: number; width: number; values: Float32Array }, at: Planted) {
  let [there, all, peak] = [0, 0, { heat: -1, distance: 0 }];
  map.values.forEach((heat, i) => {
    const x = ((i % map.width) + 0.5) * (size / map.width);
    const y = (Math.floor(i / map.width) + 0.5) * (size / map.height);
    const distance = Math.hypot(x - at.x, y - at.y);
    all += heat;
    if (distance <= near) there += heat;
    if (heat > peak.heat) peak = { heat, distance };
  });
  return { share: there / all, peakDistance: peak.distance };
}

describe.each(['conv', 'linear', 'mlp'])('Grad-CAM through the head %s', (head) => {
  test('points at the object, wherever it is', async () => {
    await using explainer = await loadExplainer(runs[head] as string, { device: 'cpu' });
    for (let i = 0; i < 12; i++) {
      const object = { colour: i % 2 ? ('red' as const) : ('blue' as const), ...place(1000 + i) };
      const bytes = await picture(500 + i, [object]).toBuffer();
      const { label, map, predicted } = await explainer.explain({ name: 'one.png', bytes });
      expect(label).toBe(object.colour);
      expect(predicted.label).toBe(label);
      const { share, peakDistance } = heatAt(map, object);
      expect(peakDistance, `peak ${i}`).toBeLessThanOrEqual(near);
      expect(share, `share ${i}`).toBeGreaterThan(0.35);
    }
  });

  // Two objects are nothing that it was trained on: the convolution mixes what it knows of each.
  test.skipIf(head === 'conv')(
    'points at each class’s own object where both are there',
    async () => {
      await using explainer = await loadExplainer(runs[head] as string, { device: 'cpu' });
      const red: Planted = { colour: 'red', x: 16, y: 46 };
      const blue: Planted = { colour: 'blue', x: 48, y: 18 };
      const bytes = await picture(900, [red, blue]).toBuffer();
      for (const object of [red, blue]) {
        const { label, map } = await explainer.explain(
          { name: 'two.png', bytes },
          { class: object.colour },
        );
        expect(label).toBe(object.colour);
        expect(heatAt(map, object).peakDistance).toBeLessThanOrEqual(near);
      }
    },
  );

  test('goes with the probabilities that the run’s classifier gives', async () => {
    await using explainer = await loadExplainer(runs[head] as string, { device: 'cpu' });
    await using classifier = await loadClassifier(runs[head] as string, { device: 'cpu' });
    const input = {
      name: 'one.png',
      bytes: await picture(7, [{ colour: 'red', ...place(77) }]).toBuffer(),
    };
    const { predicted } = await explainer.explain(input);
    for await (const item of classifier.classify([input])) {
      if ('error' in item) throw new Error(item.error);
      expect(item.label).toBe(predicted.label);
      expect(item.probability).toBeCloseTo(predicted.probability, 5);
    }
  });
});

test('only what the backbone saw of a picture is painted over', async () => {
  const bytes = await sharp({
    create: { width: 60, height: 30, channels: 3, background: '#8899aa' },
  })
    .png()
    .toBuffer();
  const whole = await readPicture(bytes, 100, 'wide.png');
  const heat = { height: 1, width: 1, values: Float32Array.of(1) };
  const input = { height: 32, width: 32 };
  const changed = (fit: Fit) => {
    const drawn = overlayHeat(whole, heat, { input: { ...input, fit } });
    const columns = Array.from({ length: 60 }, (_, x) => drawn[x * 3] !== whole.pixels[x * 3]);
    return [columns.indexOf(true), columns.lastIndexOf(true)];
  };
  expect([whole.width, whole.height]).toEqual([60, 30]);
  expect(changed('crop')).toEqual([15, 44]);
  expect(changed('stretch')).toEqual([0, 59]);
  expect(changed('pad')).toEqual([0, 59]);
});

test('heat of a padded picture lies where it was seen, not where the bars were', async () => {
  const bytes = await sharp({
    create: { width: 64, height: 32, channels: 3, background: '#888888' },
  })
    .png()
    .toBuffer();
  const picture = await readPicture(bytes, 100, 'wide.png');
  // 4x4 over 32x32: the picture has rows 1 and 2, and heat is in row 1.
  const values = Float32Array.from({ length: 16 }, (_, i) => (i >= 4 && i < 8 ? 1 : 0));
  const input = { height: 32, width: 32, fit: 'pad' as const };
  const drawn = overlayHeat(picture, { height: 4, width: 4, values }, { input });
  const rowHeat = (y: number) => Math.abs(drawn[y * 64 * 3]! - 136);
  expect(rowHeat(8)).toBeGreaterThan(4 * rowHeat(24));
});

test('what cannot be explained is refused in one sentence', async () => {
  await using explainer = await loadExplainer(runs.linear as string, { device: 'cpu' });
  const one = { name: 'one.png', bytes: await picture(1, []).toBuffer() };
  await expect(explainer.explain(one, { class: 'green' })).rejects.toMatchObject({
    code: 'USAGE',
    message: 'The run has no class "green": it has blue, none, red.',
  });
  await expect(explainer.explain(one, { alpha: 2 })).rejects.toMatchObject({ code: 'USAGE' });
  const broken = { name: 'x.png', bytes: Buffer.from('x') };
  await expect(explainer.explain(broken)).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
  const head = resolveHead(headPreset('linear'), { featureShape: [4], classes: 2 });
  expect(() => new HeadExplainer(head, {})).toThrow(/vectors, which have no places/);
});
