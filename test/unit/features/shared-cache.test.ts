import { spawn } from 'node:child_process';
import { chmod, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { extractFeatures, openFeatureCache } from '@headstart/core/features';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeSamples } from '../../../scripts/check-cache/samples.mjs';
import { repositoryRoot } from '../../util/shared.ts';
import { bytesBackbone, pictures, temporaryFolder } from './pipeline.ts';

const plain = (samples: Awaited<ReturnType<typeof pictures>>) =>
  samples.map((sample) => ({ sample, views: [undefined] }));

const nobody = 65534;
const work = join(repositoryRoot, 'scripts/check-cache/work.mjs');

/**
 * Extracts in a process of its own, as nobody where the tests run as root, whom permissions do not
 * hold back. The overlay is the folder beside the cache, with `-own`.
 */
async function extractAsNobody(dir: string, list: string) {
  const isRoot = process.getuid?.() === 0;
  const child = spawn(process.execPath, [work, 'read', dir, list], isRoot ? { uid: nobody } : {});
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data) => {
    stdout += data;
  });
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  return { code, stderr, result: code === 0 && JSON.parse(stdout.trim().split('\n').at(-1) ?? '') };
}

const posix = process.platform === 'win32' ? it.skip : it;

describe('A cache that cannot be written', () => {
  let folder: string;
  let dir: string;
  let list: string;
  beforeEach(async () => {
    folder = await temporaryFolder();
    dir = join(folder, 'shared');
    const images = join(folder, 'images');
    const some = await writeSamples(images, 'some', [0, 1, 2, 3]);
    list = await writeSamples(images, 'all', [0, 1, 2, 3, 4, 5]);
    expect(await extractAsRoot(dir, some)).toMatchObject({ computed: 4 });
    for (const name of await readdir(dir)) await chmod(join(dir, name), 0o444);
    await chmod(dir, 0o555);
  });
  afterEach(() => chmod(dir, 0o755));

  async function extractAsRoot(where: string, samples: string) {
    const child = spawn(process.execPath, [work, 'extract', where, samples]);
    let stdout = '';
    child.stdout.on('data', (data) => {
      stdout += data;
    });
    await new Promise((resolve) => child.on('close', resolve));
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  }

  posix('is read, and what it lacks is computed into one’s own', async () => {
    const before = await readdir(dir);
    await chmod(folder, 0o777);
    for (const [computed, reused] of [
      [2, 4],
      [0, 6],
    ]) {
      const { stderr, result } = await extractAsNobody(dir, list);
      expect(stderr).toBe('');
      expect(result).toEqual({ computed, reused, damaged: 0, wrong: 0 });
    }
    expect(await readdir(dir)).toEqual(before);
    expect(await readdir(`${dir}-own`)).toContain('format.json');
  });

  posix('is a clear error where there is nothing else to write to', async () => {
    await chmod(folder, 0o555);
    const { code, stderr } = await extractAsNobody(dir, list);
    expect(stderr).toContain('it is read-only, and does not hold all features');
    expect(code).toBe(3);
    await chmod(folder, 0o755);
  });
});

describe('Several processes that fill one cache', () => {
  it('compute each image once between them', async () => {
    const folder = await temporaryFolder();
    const samples = await pictures(folder, 60);
    const script = fileURLToPath(new URL('./extract-child.mjs', import.meta.url));
    const run = async (name: string, some: typeof samples) => {
      const list = join(folder, `${name}.json`);
      await writeFile(list, JSON.stringify(some));
      const child = spawn(process.execPath, [script, join(folder, 'cache'), list, '20']);
      let output = '';
      child.stdout.on('data', (data) => {
        output += data;
      });
      const code = await new Promise((resolve) => child.on('close', resolve));
      expect(code).toBe(0);
      const [, computed, reused] = /computed (\d+) reused (\d+)/.exec(output) ?? [];
      return { computed: Number(computed), reused: Number(reused) };
    };
    const runs = await Promise.all([
      run('a', samples.slice(0, 40)),
      run('b', samples.slice(20)),
      run('c', samples),
    ]);
    expect(runs.map(({ computed, reused }) => computed + reused)).toEqual([40, 40, 60]);
    expect(runs.reduce((sum, { computed }) => sum + computed, 0)).toBe(60);
  });

  it('know what others are computing, what is there, and what is theirs to do', async () => {
    const folder = await temporaryFolder();
    const samples = await pictures(folder, 3);
    await using cache = await openFeatureCache({ dir: join(folder, 'cache') });
    const layout = { shape: [6], dtype: 'float16' as const };
    const keys = [Buffer.alloc(64, 1)];
    await using other = await openFeatureCache({ dir: join(folder, 'cache') });
    expect(other.claim(keys, layout)).toEqual(['ours']);
    expect(cache.claim(keys, layout)).toEqual(['theirs']);
    other.release(keys);
    expect(cache.claim(keys, layout)).toEqual(['ours']);
    cache.putBatch([{ key: keys[0] as Buffer, ...layout, row: new Uint16Array(6) }]);
    expect(other.claim(keys, layout)).toEqual(['there']);
    const backbone = bytesBackbone();
    expect(await extractFeatures({ samples: plain(samples), backbone, cache })).toMatchObject({
      computed: 3,
    });
  });
});
