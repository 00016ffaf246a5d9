import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Progress } from '@headstart/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Sample } from '#core/dataset';
import {
  type ExtractFeaturesOptions,
  extractFeatures,
  type FeatureCache,
  fromFloat16,
  openFeatureCache,
} from '#core/features';
import { applyView } from '#core/image';
import {
  bytesBackbone,
  filesOf,
  picture,
  pictures,
  pixelsOf,
  rowsOf,
  samplesOf,
  side,
  temporaryFolder,
} from './pipeline.ts';

let folder: string;
let cacheDir: string;
let cache: FeatureCache;

beforeEach(async () => {
  folder = await temporaryFolder();
  cacheDir = join(folder, 'cache');
  cache = await openFeatureCache({ dir: cacheDir });
});

afterEach(() => cache.close());

const plain = (samples: readonly Sample[]) =>
  samples.map((sample) => ({ sample, views: [undefined] }));

function extract(samples: readonly Sample[], options: Partial<ExtractFeaturesOptions> = {}) {
  const backbone = bytesBackbone();
  return extractFeatures({
    samples: plain(samples),
    backbone,
    cache,
    dtype: 'float32',
    ...options,
  });
}

const expected = (i: number, length = 6) => Float32Array.from(pixelsOf(i).subarray(0, length));

describe('Extracting features', () => {
  it('gives each image its row, in order', async () => {
    const samples = await pictures(folder, 21);
    const { set, computed, reused, skipped } = await extract(samples, { batchSize: 4 });
    expect({ computed, reused, skipped }).toEqual({ computed: 21, reused: 0, skipped: [] });
    expect(set.shape).toEqual([6]);
    expect(set.samples).toEqual(
      samples.map(({ name, hash, label }, i) => ({ name, hash, label, rows: [i] })),
    );
    expect(await rowsOf(set)).toEqual(samples.map((_, i) => expected(i)));
  });

  it('computes nothing the second time', async () => {
    const samples = await pictures(folder, 10);
    const first = await extract(samples);
    const backbone = bytesBackbone();
    const second = await extract(samples, { backbone });
    expect(second).toMatchObject({ computed: 0, reused: 10, damaged: 0 });
    expect(backbone.batches).toEqual([]);
    expect(await rowsOf(second.set)).toEqual(await rowsOf(first.set));
  });

  it('finds the features of a file that was moved and renamed', async () => {
    await extract(await pictures(folder, 3));
    const moved = await samplesOf(folder, { 'elsewhere/x.jpg': await picture(1) });
    expect(await extract(moved)).toMatchObject({ computed: 0, reused: 1 });
  });

  it('never mixes features of other models, sizes of numbers, resize methods', async () => {
    const samples = await pictures(folder, 3);
    await extract(samples);
    const others: Partial<ExtractFeaturesOptions>[] = [
      { backbone: bytesBackbone({ sha256: 'e'.repeat(64) }) },
      { dtype: 'float16' },
      { resize: 'nearest' },
      { resize: 'lanczos' },
    ];
    const { info } = bytesBackbone();
    for (const change of [
      { preprocessing: 'rescale' },
      { provider: 'cuda' as const },
      { engine: 'native' as const },
      { layer: 'block4_pool' },
    ]) {
      others.push({ backbone: { ...bytesBackbone(), info: { ...info, ...change } } });
    }
    for (const other of others)
      expect(await extract(samples, other)).toMatchObject({ computed: 3 });
    expect(await extract(samples)).toMatchObject({ computed: 0 });
  });

  it('computes files of the same bytes once', async () => {
    const same = await picture(5);
    const samples = await samplesOf(folder, {
      'a/1.png': same,
      'a/2.png': await picture(6),
      'b/1.png': same,
    });
    const backbone = bytesBackbone();
    const { set, computed } = await extract(samples, { backbone });
    expect(computed).toBe(2);
    expect(set.samples.map(({ rows }) => rows)).toEqual([[0], [1], [0]]);
    expect(set.samples.map(({ label }) => label)).toEqual([0, 1, 0]);
    expect(backbone.batches).toEqual([2]);
  });

  it('gives each view its row, each different view once', async () => {
    const [sample] = await pictures(folder, 1);
    const flip = { flip: true, shiftX: 0, shiftY: 0 };
    const shift = { flip: false, shiftX: 0.25, shiftY: 0.1 };
    const nothing = { flip: false, shiftX: 0, shiftY: 0 };
    const views = [shift, undefined, flip, shift, nothing];
    const { set, computed } = await extract([], { samples: [{ sample: sample as Sample, views }] });
    expect(computed).toBe(3);
    expect(set.samples[0]?.rows).toEqual([0, 1, 2, 0, 1]);
    const size = { height: side, width: side };
    expect(await rowsOf(set)).toEqual(
      [shift, nothing, flip].map((view) =>
        Float32Array.from(applyView(pixelsOf(0), size, view).subarray(0, 6)),
      ),
    );
  });

  it('gives many views of one image their rows, those that are there left out', async () => {
    const [sample] = await pictures(folder, 1);
    const views = Array.from({ length: 40 }, (_, i) => {
      return { flip: i % 2 === 0, shiftX: i / 50, shiftY: -i / 100 };
    });
    const some = views.filter((_, i) => i % 5 === 2);
    await extract([], { samples: [{ sample: sample as Sample, views: some }] });
    const { set, computed } = await extract([], { samples: [{ sample: sample as Sample, views }] });
    expect(computed).toBe(32);
    const size = { height: side, width: side };
    expect(await rowsOf(set)).toEqual(
      views.map((view) => Float32Array.from(applyView(pixelsOf(0), size, view).subarray(0, 6))),
    );
  });

  it('keeps a sample of which no view is asked for, without rows', async () => {
    const samples = await pictures(folder, 2);
    const requests = samples.map((sample, i) => ({ sample, views: i ? [undefined] : [] }));
    const { set } = await extract([], { samples: requests });
    expect(set.samples.map(({ rows }) => rows)).toEqual([[], [0]]);
  });

  it('leaves out what cannot be read, with the reason, and goes on', async () => {
    const cut = (await picture(3)).subarray(0, 50);
    const samples = await samplesOf(folder, {
      '0.png': await picture(0),
      'cut.png': cut,
      'copy of cut.png': cut,
      'gone.png': await picture(2),
      'changed.png': await picture(4),
      '1.png': await picture(1),
    });
    await rm(join(folder, 'gone.png'));
    await writeFile(join(folder, 'changed.png'), await picture(9));
    const done: Progress[] = [];
    const { set, skipped, computed } = await extract(samples, { onProgress: (p) => done.push(p) });
    expect(computed).toBe(2);
    expect(set.samples.map(({ name, rows }) => [name, ...rows])).toEqual([
      ['0.png', 0],
      ['1.png', 1],
    ]);
    const reasons = Object.fromEntries(
      skipped.map(({ path, reason }) => [path.slice(folder.length + 1), reason]),
    );
    expect(Object.keys(reasons)).toHaveLength(4);
    expect(reasons['cut.png']).toContain('damaged');
    expect(reasons['copy of cut.png']).toBe(reasons['cut.png']);
    expect(reasons['gone.png']).toContain('cannot be read (ENOENT');
    expect(reasons['changed.png']).toBe('it changed while its features were being computed');
    expect(done.at(-1)).toEqual({
      stage: 'features',
      done: 5,
      total: 5,
      unit: 'views',
      reused: 0,
    });
  });

  it('takes another file of the same bytes where the first one changed', async () => {
    const bytes = await picture(0);
    const samples = await samplesOf(folder, { 'a.png': bytes, 'b.png': bytes });
    await writeFile(join(folder, 'a.png'), 'other');
    const { set, skipped } = await extract(samples);
    expect(skipped.map(({ path }) => path)).toEqual([join(folder, 'a.png')]);
    expect(set.samples.map(({ name }) => name)).toEqual(['b.png']);
    expect(await rowsOf(set)).toEqual([expected(0)]);
  });

  it('stores float16 by default', async () => {
    const samples = await pictures(folder, 2);
    const { set } = await extract(samples, {
      dtype: undefined,
      backbone: bytesBackbone({ scale: 1 / 3 }),
    });
    expect(set.dtype).toBe('float16');
    const [first] = await rowsOf(set);
    const values = fromFloat16(first as Uint16Array);
    expected(0).forEach((value, k) => {
      expect(values[k]).toBeCloseTo(value / 3, 1);
    });
  });

  it('refuses numbers that float16 cannot hold, naming the image and the way out', async () => {
    const samples = await pictures(folder, 1);
    const backbone = bytesBackbone({ scale: 5000 });
    await expect(extract(samples, { dtype: 'float16', backbone })).rejects.toMatchObject({
      code: 'BACKBONE_UNSUITABLE',
      message: expect.stringMatching(/for 0\.png: float16 ends at 65504: .*`featureDtype` float32/),
    });
    expect(await extract(samples, { backbone })).toMatchObject({ computed: 1 });
  });

  it('refuses features that are not numbers', async () => {
    const backbone = bytesBackbone({ scale: Number.NaN });
    await expect(extract(await pictures(folder, 1), { backbone })).rejects.toMatchObject({
      code: 'BACKBONE_UNSUITABLE',
    });
    expect(cache.size).toBe(0);
  });

  it('computes a damaged record again, and says so', async () => {
    const samples = await pictures(folder, 5);
    await extract(samples);
    await cache.close();
    const [file = ''] = await filesOf(cacheDir, '.pack');
    const bytes = await readFile(file);
    const at = bytes.indexOf(Buffer.from(expected(3).buffer));
    bytes[at + 2] = (bytes[at + 2] as number) ^ 1;
    await writeFile(file, bytes);
    cache = await openFeatureCache({ dir: cacheDir });
    const { set, ...counts } = await extract(samples);
    expect(counts).toMatchObject({ computed: 1, damaged: 1, reused: 4 });
    expect((await rowsOf(set))[3]).toEqual(expected(3));
    expect(await extract(samples)).toMatchObject({ computed: 0, damaged: 0 });
  });

  it('keeps what was done when it is aborted, and rejects with the reason', async () => {
    const samples = await pictures(folder, 40);
    const controller = new AbortController();
    const reason = new Error('enough');
    const stopping = extract(samples, {
      batchSize: 4,
      signal: controller.signal,
      onProgress: ({ done }) => done >= 12 && controller.abort(reason),
    });
    await expect(stopping).rejects.toBe(reason);
    const kept = cache.size;
    expect(kept).toBeGreaterThanOrEqual(12);
    expect(kept).toBeLessThan(40);
    expect(await extract(samples)).toMatchObject({ reused: kept, computed: 40 - kept });
  });

  it('keeps what was done when the backbone fails', async () => {
    const samples = await pictures(folder, 20);
    let runs = 0;
    const backbone = bytesBackbone({
      onRun: () => {
        if (++runs === 3) throw new Error('out of memory');
      },
    });
    await expect(extract(samples, { backbone, batchSize: 4 })).rejects.toThrow('out of memory');
    expect(cache.size).toBeGreaterThanOrEqual(8);
    expect(cache.size % 4).toBe(0);
  });

  it('has at most two batches in flight, however fast images come', async () => {
    let running = 0;
    let most = 0;
    const backbone = bytesBackbone({
      onRun: async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 5));
        running--;
      },
    });
    await extract(await pictures(folder, 40), { backbone, batchSize: 2 });
    expect(most).toBe(2);
  });

  it('counts progress from what is reused to the total', async () => {
    const samples = await pictures(folder, 12);
    await extract(samples.slice(0, 5));
    const steps: Progress[] = [];
    await extract(samples, { batchSize: 3, onProgress: (p) => steps.push(p) });
    expect(steps.map(({ done }) => done)).toEqual([0, 5, 8, 11, 12]);
    expect(steps.at(-1)).toEqual({
      stage: 'features',
      done: 12,
      total: 12,
      unit: 'views',
      reused: 5,
    });
  });

  it('streams the rows that are asked for, in that order', async () => {
    const { set } = await extract(await pictures(folder, 4));
    const chunks: number[] = [];
    for await (const chunk of set.chunks({ rows: [3, 0, 3] })) chunks.push(...chunk);
    expect(chunks).toEqual([3, 0, 3].flatMap((i) => [...expected(i)]));
  });

  it('refuses a batch size that is none', async () => {
    await expect(extract(await pictures(folder, 1), { batchSize: 0 })).rejects.toMatchObject({
      code: 'USAGE',
    });
  });
});
