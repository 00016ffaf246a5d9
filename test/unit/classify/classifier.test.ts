import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  Classifier,
  fetchImage,
  type ImageInput,
  type ImageModel,
  loadClassifier,
} from '#core/classify';
import { type RunRecord, writeRun } from '#core/run';
import { contentsOfRun } from '../run/contents.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headstart-'));
});
afterAll(() => rm(folder, { recursive: true }));

const side = 4;
const record = {
  ...contentsOfRun({ classes: ['red', 'green', 'blue'].slice(0, 2) }).record,
  format: 'headstart-run',
  version: 1,
  classes: ['red', 'green', 'blue'],
  image: { height: side, width: side, resize: 'bilinear' },
  files: {},
} satisfies RunRecord;

/** A model whose probabilities are the shares of red, green and blue in the picture. */
function colourModel() {
  const log: string[] = [];
  const model: ImageModel = {
    info: {
      path: 'model.onnx',
      sha256: '',
      name: 'colours',
      untrained: false,
      preprocessing: 'none',
      precision: 'float32',
      input: { height: side, width: side },
      featureShape: [3],
      provider: 'cpu',
      engine: 'onnxruntime',
      device: 'a test',
    },
    async run(pixels, count) {
      log.push(`run ${count}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      return Float32Array.from({ length: 3 * count }, (_, i) => {
        const first = Math.floor(i / 3) * side * side * 3;
        const [r, g, b] = pixels.subarray(first, first + 3) as unknown as [number, number, number];
        return ([r, g, b][i % 3] as number) / (r + g + b);
      });
    },
    async close() {
      log.push('closed');
    },
  };
  return { log, classifier: new Classifier(record, record.image, model) };
}

async function png(r: number, g: number, b: number): Promise<Buffer> {
  const create = { width: 6, height: 5, channels: 3, background: { r, g, b } } as const;
  return sharp({ create }).png().toBuffer();
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe('classify', () => {
  test('ranks the classes of each image', async () => {
    const { classifier } = colourModel();
    const [result] = await collect(
      classifier.classify([{ name: 'leaf', bytes: await png(50, 150, 0) }]),
    );
    expect(result).toEqual({
      name: 'leaf',
      label: 'green',
      probability: 0.75,
      ranking: [
        { label: 'green', probability: 0.75 },
        { label: 'red', probability: 0.25 },
        { label: 'blue', probability: 0 },
      ],
    });
  });

  test('keeps the order, batch after batch, with what cannot be read in its place', async () => {
    const path = join(folder, 'blue.png');
    await writeFile(path, await png(0, 0, 200));
    const { classifier, log } = colourModel();
    const images: ImageInput[] = [
      { name: 'a', bytes: await png(200, 0, 0) },
      { name: 'b', bytes: Buffer.from('no image') },
      path,
      join(folder, 'missing.png'),
      { name: 'e', bytes: await png(0, 200, 0) },
    ];
    const results = await collect(classifier.classify(images, { batchSize: 2, topK: 1 }));
    expect(results.map((r) => ('error' in r ? 'error' : r.label))).toEqual([
      'red',
      'error',
      'blue',
      'error',
      'green',
    ]);
    expect(results.map(({ name }) => name)).toEqual(['a', 'b', path, images[3], 'e']);
    expect(results[1]).toMatchObject({ error: expect.stringContaining('Cannot read the image b') });
    expect(results[1]).toMatchObject({
      reason: 'its content is not an image format that is read here',
    });
    expect(results[3]).toMatchObject({
      error: expect.stringContaining('missing.png: there is no such file.'),
    });
    expect(results[0]).toMatchObject({ ranking: [{ label: 'red', probability: 1 }] });
    expect(log).toEqual(['run 1', 'run 1', 'run 1']);
  });

  test('decodes the next batch while one is in inference, and no further', async () => {
    const { classifier } = colourModel();
    const bytes = await png(1, 2, 3);
    let asked = 0;
    function* images() {
      while (asked < 100) yield { name: `${asked++}`, bytes };
    }
    const results = classifier.classify(images(), { batchSize: 2 });
    await results.next();
    expect(asked).toBeGreaterThanOrEqual(4);
    expect(asked).toBeLessThan(32);
    await results.return();
  });

  test('takes images from an asynchronous source, and lets it go when it is left', async () => {
    const { classifier } = colourModel();
    const bytes = await png(9, 0, 0);
    let released = false;
    async function* endless() {
      try {
        for (let i = 0; ; i++) yield { name: `${i}`, bytes };
      } finally {
        released = true;
      }
    }
    for await (const result of classifier.classify(endless(), { batchSize: 3 })) {
      if (result.name === '7') break;
    }
    expect(released).toBe(true);
  });

  test('hands out what is ready while the source has nothing more yet', async () => {
    const { classifier, log } = colourModel();
    const bytes = await png(0, 9, 0);
    let go = () => {};
    const later = new Promise<void>((resolve) => {
      go = resolve;
    });
    async function* slow() {
      yield { name: 'first', bytes };
      yield { name: 'second', bytes };
      await later;
      yield { name: 'third', bytes };
    }
    const results = classifier.classify(slow(), { batchSize: 8 });
    expect((await results.next()).value).toMatchObject({ name: 'first' });
    expect((await results.next()).value).toMatchObject({ name: 'second' });
    go();
    expect((await results.next()).value).toMatchObject({ name: 'third' });
    expect((await results.next()).done).toBe(true);
    expect(log).toEqual(['run 2', 'run 1']);
  });

  test('ends with the reason of an abort while its source is silent', async () => {
    const { classifier } = colourModel();
    const controller = new AbortController();
    const { signal } = controller;
    async function* silent() {
      await new Promise(() => {});
      yield 'never';
    }
    const results = collect(classifier.classify(silent(), { signal }));
    controller.abort();
    await expect(results).rejects.toBe(signal.reason);
  });

  test('says unknown below the threshold, and what the most probable class would be', async () => {
    const { classifier } = colourModel();
    const images = [
      { name: 'sure', bytes: await png(0, 200, 0) },
      { name: 'doubtful', bytes: await png(60, 100, 40) },
    ];
    const results = await collect(classifier.classify(images, { threshold: 0.6, topK: 1 }));
    expect(results).toMatchObject([
      { label: 'green' },
      { label: 'unknown', probability: 0.5, ranking: [{ label: 'green', probability: 0.5 }] },
    ]);
  });

  test('reads images where their turn comes, and names what cannot be', async () => {
    const { classifier } = colourModel();
    const bytes = await png(0, 0, 9);
    const results = await collect(
      classifier.classify([
        { name: 'read', read: async () => bytes },
        folder,
        '/dev/null',
        { name: 'page', read: () => fetchImage('http://127.0.0.1:1/x.png') },
      ]),
    );
    expect(results[0]).toMatchObject({ name: 'read', label: 'blue' });
    expect(results.slice(1).map((item) => 'reason' in item && item.reason)).toEqual([
      'it is a folder',
      process.platform === 'win32' ? 'there is no such file' : 'it is not a regular file',
      expect.stringMatching(/./),
    ]);
  });

  test('runs nothing where nothing can be read, or nothing is given', async () => {
    const { classifier, log } = colourModel();
    const bad = [{ name: 'a', bytes: new Uint8Array(0) }];
    expect(await collect(classifier.classify(bad))).toHaveLength(1);
    expect(await collect(classifier.classify([]))).toEqual([]);
    expect(log).toEqual([]);
  });

  test('ends with the reason of an abort', async () => {
    const { classifier } = colourModel();
    const bytes = await png(9, 0, 0);
    const images = Array.from({ length: 6 }, (_, i) => ({ name: `${i}`, bytes }));
    const controller = new AbortController();
    const results = classifier.classify(images, { batchSize: 2, signal: controller.signal });
    expect((await results.next()).value).toMatchObject({ name: '0' });
    controller.abort();
    await expect(collect(results)).rejects.toBe(controller.signal.reason);
  });

  test.each([
    [{ topK: 0 }, 'topK must be an integer from 1, not 0'],
    [{ threshold: 1.5 }, 'threshold must be from 0 to 1, not 1.5'],
    [{ batchSize: 1.5 }, 'batchSize must be an integer from 1, not 1.5'],
  ])('refuses %o', async (options, message) => {
    const { classifier } = colourModel();
    await expect(collect(classifier.classify([], options))).rejects.toThrow(message);
  });

  test('closes its model', async () => {
    const { classifier, log } = colourModel();
    {
      await using closing = classifier;
      expect(closing.classes).toHaveLength(3);
    }
    expect(log).toEqual(['closed']);
  });
});

describe('loadClassifier', () => {
  test('refuses a run without a model', async () => {
    const run = join(folder, 'run');
    await writeRun(run, contentsOfRun());
    await expect(loadClassifier(run)).rejects.toMatchObject({
      code: 'RUN_INVALID',
      message: expect.stringContaining('it can be evaluated on feature files, but not on images'),
    });
  });
});
