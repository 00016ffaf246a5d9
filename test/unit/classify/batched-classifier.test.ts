import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import {
  BatchedClassifier,
  type BatchedClassifierOptions,
  type Classified,
  Classifier,
  type ImageModel,
} from '#core/classify';
import type { RunRecord } from '#core/run';
import { contentsOfRun } from '../run/contents.ts';

const side = 4;
const record = {
  ...contentsOfRun().record,
  format: 'headstart-run',
  version: 1,
  classes: ['dark', 'light'],
  image: { height: side, width: side, resize: 'bilinear' },
  files: {},
} satisfies RunRecord;

/** A model that says how light a picture is, and ends each batch when it is told to. */
function steppedModel() {
  const batches: number[] = [];
  const waiting: (() => void)[] = [];
  let closed = false;
  let failure: Error | undefined;
  const model: ImageModel = {
    info: { ...({} as ImageModel['info']) },
    async run(pixels, count) {
      batches.push(count);
      await new Promise<void>((resolve) => waiting.push(resolve));
      if (failure) throw failure;
      return Float32Array.from({ length: 2 * count }, (_, i) => {
        const light = (pixels[Math.floor(i / 2) * side * side * 3] as number) / 255;
        return i % 2 === 0 ? 1 - light : light;
      });
    },
    async close() {
      closed = true;
    },
  };
  return {
    model,
    batches,
    isClosed: () => closed,
    failWith: (error: Error) => {
      failure = error;
    },
    /** Ends the oldest batch in flight. */
    step: async () => {
      await until(() => waiting.length > 0);
      waiting.shift()?.();
      await settled();
    },
    /** Ends batches, however many there are, until the answer is there. */
    finish: async <T>(answer: Promise<T>): Promise<T> => {
      let over = false;
      const end = () => {
        over = true;
      };
      answer.then(end, end);
      while (!over) {
        waiting.shift()?.();
        await settled();
      }
      return answer;
    },
  };
}

function batched(options: BatchedClassifierOptions = {}) {
  const stepped = steppedModel();
  const classifier = new Classifier(record, record.image, stepped.model);
  let decoded = 0;
  const read = classifier.read.bind(classifier);
  classifier.read = async (...input) => {
    const image = await read(...input);
    decoded++;
    return image;
  };
  return {
    ...stepped,
    classifier: new BatchedClassifier(classifier, options),
    decoded: () => decoded,
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Long enough for pictures of a few pixels to be decoded. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 40));

async function picture(name: string, level: number) {
  const background = { r: level, g: level, b: level };
  const bytes = await sharp({ create: { width: 6, height: 5, channels: 3, background } })
    .png()
    .toBuffer();
  return { name, bytes };
}

const nameAndLabel = (items: readonly Classified[]) =>
  items.map((item) =>
    'error' in item ? `${item.name}: ${item.kind}` : `${item.name} ${item.label}`,
  );

const pictures = (levels: readonly number[]) =>
  Promise.all(levels.map((level) => picture(`${level}`, level)));

describe('a batched classifier', () => {
  test('collects images of several callers while a batch is in inference', async () => {
    const { classifier, batches, step, decoded } = batched();
    const [a, b, c, d] = await pictures([0, 10, 240, 20]);
    const first = classifier.classify([a!]);
    await until(() => batches.length === 1);
    const others = [b, c, d].map((image) => classifier.classify([image!]));
    await until(() => decoded() === 4);
    await settled();
    expect(batches).toEqual([1]);
    await step();
    expect(batches).toEqual([1, 3]);
    await step();
    expect(nameAndLabel(await first)).toEqual(['0 dark']);
    const answers = await Promise.all(others);
    expect(answers.map(nameAndLabel)).toEqual([['10 dark'], ['240 light'], ['20 dark']]);
  });

  test('labels by the threshold of each caller', async () => {
    const { classifier, finish } = batched();
    const images = await pictures([100]);
    const [sure, unsure] = [
      classifier.classify(images, { threshold: 0.9, topK: 1 }),
      classifier.classify(images, { threshold: 0.5 }),
    ];
    const answers = await finish(Promise.all([sure, unsure]));
    expect(answers.map(nameAndLabel)).toEqual([['100 unknown'], ['100 dark']]);
    expect(answers[0]?.[0]).toMatchObject({ ranking: [{ label: 'dark' }] });
    await expect(classifier.classify(images, { threshold: 2 })).rejects.toThrow(
      'threshold must be from 0 to 1, not 2',
    );
  });

  test('keeps a second batch ready only where it is full', async () => {
    const { classifier, batches, finish } = batched({ batchSize: 2 });
    const images = await pictures([0, 1, 2, 3, 4]);
    const answer = classifier.classify(images);
    // The first may have gone alone, where the next took long to decode.
    await until(() => batches.length === 2);
    await settled();
    expect(batches.slice(1)).toEqual([2]);
    const labelled = await finish(answer);
    expect(batches.reduce((a, b) => a + b)).toBe(5);
    expect(nameAndLabel(labelled)).toEqual(['0', '1', '2', '3', '4'].map((n) => `${n} dark`));
  });

  test('takes callers in turns, so that few images do not wait for many', async () => {
    const { classifier, step, finish } = batched({ batchSize: 2, decoders: 1 });
    const images = await pictures([...Array.from({ length: 12 }, (_, i) => i), 200]);
    const many = classifier.classify(images.slice(0, 12));
    const few = classifier.classify(images.slice(12));
    let answered = false;
    few.then(() => {
      answered = true;
    });
    for (let i = 0; i < 3; i++) await step();
    expect(answered).toBe(true);
    expect(await finish(many)).toHaveLength(12);
  });

  test('answers with what cannot be read in its place, and why', async () => {
    const { classifier, step } = batched({ maxPixels: 40 });
    const [good] = await pictures([0]);
    const large = await sharp({
      create: { width: 9, height: 5, channels: 3, background: 'red' },
    })
      .png()
      .toBuffer();
    const answer = classifier.classify([
      { name: 'text', bytes: Buffer.from('no image') },
      good!,
      { name: 'large', bytes: large },
      { name: 'cut', bytes: good!.bytes.subarray(0, 60) },
    ]);
    await step();
    const kinds = ['text: format', '0 dark', 'large: pixels', 'cut: damaged'];
    expect(nameAndLabel(await answer)).toEqual(kinds);
  });

  test('ranks as many classes as each caller asks for', async () => {
    const { classifier, batches, finish } = batched();
    const [a, b, c] = await pictures([0, 0, 0]);
    const first = classifier.classify([a!]);
    await until(() => batches.length === 1);
    const one = classifier.classify([b!], { topK: 1 });
    const two = classifier.classify([c!]);
    await settled();
    const sizes = (await finish(Promise.all([first, one, two]))).map(([item]) =>
      item && 'ranking' in item ? item.ranking.length : 0,
    );
    expect(sizes).toEqual([2, 1, 2]);
  });

  test('refuses what does not fit the queue, and has room again afterwards', async () => {
    const { classifier, batches, step } = batched({ queueLimit: 3 });
    const images = await pictures([1, 2, 3, 4]);
    await expect(classifier.classify(images)).rejects.toMatchObject({ code: 'BUSY' });
    const first = classifier.classify(images.slice(0, 3));
    await expect(classifier.classify(images.slice(3))).rejects.toMatchObject({ code: 'BUSY' });
    expect(classifier.waiting).toBe(3);
    await until(() => batches.length > 0);
    let done = false;
    first.then(() => {
      done = true;
    });
    while (!done) await step();
    expect(classifier.waiting).toBe(0);
    const again = classifier.classify(images.slice(3));
    await step();
    expect(await again).toHaveLength(1);
  });

  test('drops the images of a caller who gives up', async () => {
    const { classifier, batches, step } = batched();
    const [a, b, c] = await pictures([1, 2, 3]);
    const controller = new AbortController();
    const first = classifier.classify([a!]);
    await until(() => batches.length === 1);
    const given = classifier.classify([b!], { signal: controller.signal });
    const kept = classifier.classify([c!]);
    await settled();
    controller.abort(new Error('gone'));
    await expect(given).rejects.toThrow('gone');
    expect(classifier.waiting).toBe(2);
    await step();
    await step();
    expect(batches).toEqual([1, 1]);
    await Promise.all([first, kept]);
    await expect(classifier.classify([a!], { signal: controller.signal })).rejects.toThrow('gone');
  });

  test('fails the callers of a batch that fails, and goes on', async () => {
    const { classifier, batches, failWith, step } = batched();
    const [a, b] = await pictures([1, 2]);
    const answer = classifier.classify([a!]);
    await until(() => batches.length === 1);
    failWith(new Error('out of memory'));
    const failed = expect(answer).rejects.toThrow('out of memory');
    await step();
    await failed;
    expect(classifier.waiting).toBe(0);
    const next = expect(classifier.classify([b!])).rejects.toThrow('out of memory');
    await step();
    await next;
  });

  test('labels what it has accepted before it closes', async () => {
    const { classifier, isClosed, step } = batched();
    const [a, b] = await pictures([1, 2]);
    const answer = classifier.classify([a!]);
    const closed = classifier.close();
    await expect(classifier.classify([b!])).rejects.toMatchObject({ code: 'BUSY' });
    expect(isClosed()).toBe(false);
    await step();
    expect(await answer).toHaveLength(1);
    await closed;
    expect(isClosed()).toBe(true);
  });
});
