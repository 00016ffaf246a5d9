import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Sample } from '#core/dataset';
import { extractFeatures, openFeatureCache } from '#core/features';
import { bytesBackbone, pictures, pixelsOf, rowsOf, temporaryFolder } from './pipeline.ts';

const script = fileURLToPath(new URL('./extract-child.mjs', import.meta.url));
const total = 60;
const batchSize = 4;

/** Runs the child; kills it with SIGKILL once it reports at least `killAt`. Returns what it printed. */
async function runChild(dir: string, samples: string, delay: number, killAt = Infinity) {
  const child = spawn(process.execPath, [script, dir, samples, `${delay}`]);
  let output = '';
  let errors = '';
  child.stderr.on('data', (data) => {
    errors += data;
  });
  child.stdout.on('data', (data) => {
    output += data;
    const done = Number(output.trim().split('\n').at(-1));
    if (done >= killAt) child.kill('SIGKILL');
  });
  const signal = await new Promise((resolve) => child.on('close', (_, by) => resolve(by)));
  return { lines: output.trim().split('\n'), signal, errors };
}

async function prepare(): Promise<{
  folder: string;
  dir: string;
  file: string;
  samples: Sample[];
}> {
  const folder = await temporaryFolder();
  const samples = await pictures(folder, total);
  const file = join(folder, 'samples.json');
  await writeFile(file, JSON.stringify(samples));
  return { folder, dir: join(folder, 'cache'), file, samples };
}

async function complete(dir: string, samples: readonly Sample[]) {
  await using cache = await openFeatureCache({ dir });
  const result = await extractFeatures({
    samples: samples.map((sample) => ({ sample, views: [undefined] })),
    backbone: bytesBackbone(),
    cache,
    dtype: 'float32',
  });
  const wanted = samples.map((_, i) => Float32Array.from(pixelsOf(i).subarray(0, 6)));
  expect(await rowsOf(result.set)).toEqual(wanted);
  return result;
}

describe('A process killed in mid-extraction', () => {
  it.each([4, 16, 32, 40])(
    'loses nothing that it reported as done (killed at %i)',
    async (killAt) => {
      const { dir, file, samples } = await prepare();
      const { lines, signal, errors } = await runChild(dir, file, 20, killAt);
      expect(errors).toBe('');
      expect(signal).toBe('SIGKILL');
      const reported = Number(lines.at(-1));
      const { computed, reused, damaged } = await complete(dir, samples);
      expect(damaged).toBe(0);
      expect(reused).toBeGreaterThanOrEqual(reported);
      expect(reused % batchSize).toBe(0);
      expect(computed + reused).toBe(total);
      expect(reused).toBeLessThan(total);
    },
  );
});

describe('Several processes that extract into one cache at once', () => {
  it('all end, and the cache is whole', async () => {
    const { dir, file, samples } = await prepare();
    const runs = await Promise.all([1, 2, 3].map((delay) => runChild(dir, file, delay)));
    for (const { lines, errors } of runs) {
      expect(errors).toBe('');
      expect(lines.at(-1)).toMatch(/^computed \d+ reused \d+$/);
    }
    expect(await complete(dir, samples)).toMatchObject({ computed: 0, reused: total, damaged: 0 });
  });
});
