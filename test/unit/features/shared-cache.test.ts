import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmod, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { extractFeatures, openFeatureCache } from '#core/features';
import { writeSamples } from '../../../scripts/check-cache/samples.mjs';
import { repositoryRoot } from '../../util/shared.ts';
import { bytesBackbone, filesOf, pictures, temporaryFolder } from './pipeline.ts';

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
    execFileSync('chmod', ['-R', 'a-w', dir]);
  });
  afterEach(() => execFileSync('chmod', ['-R', 'u+w', dir]));

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
    const before = await readdir(dir, { recursive: true });
    await chmod(folder, 0o777);
    for (const [computed, reused] of [
      [2, 4],
      [0, 6],
    ]) {
      const { stderr, result } = await extractAsNobody(dir, list);
      expect(stderr).toBe('');
      expect(result).toEqual({ computed, reused, damaged: 0, wrong: 0 });
    }
    expect(await readdir(dir, { recursive: true })).toEqual(before);
    expect(await filesOf(`${dir}-own`, '.pack')).not.toEqual([]);
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

  it('take over what a process that is gone had claimed, and what is old', async () => {
    const dir = join(await temporaryFolder(), 'cache');
    const layout = { shape: [6], dtype: 'float16' as const };
    const keys = [1, 2, 3, 4].map((i) => Buffer.alloc(64, i));
    // Keys of one extractor.
    for (const key of keys) key.fill(9, 0, 16);
    await using cache = await openFeatureCache({ dir });
    await using other = await openFeatureCache({ dir });
    expect(other.claim(keys, layout)).toEqual(['ours', 'ours', 'ours', 'ours']);
    const claims = join(dir, 'packs-1', Buffer.alloc(16, 9).toString('hex'), 'claims');
    const claim = (i: number) => join(claims, (keys[i] as Buffer).toString('hex', 16));
    const replace = async (i: number, owner: string, minutes: number) => {
      await rm(claim(i));
      await writeFile(claim(i), owner);
      const then = Date.now() / 1000 - 60 * minutes;
      await utimes(claim(i), then, then);
    };
    const host = (await readFile(claim(0), 'utf8')).replace(/-\d+-\w+-\w+$/, '');
    const { pid: gone } = spawnSync(process.execPath, ['--version']);
    await replace(0, `${host}-${gone}-abc-01234567`, 0);
    await replace(1, `another-machine-${gone}-abc-01234567`, 6);
    await replace(2, `another-machine-${gone}-abc-01234567`, 4);
    expect(cache.claim(keys, layout)).toEqual(['ours', 'ours', 'theirs', 'theirs']);
  });

  it('leave no claims behind, and make none where each has a share of its own', async () => {
    const dir = join(await temporaryFolder(), 'cache');
    const layout = { shape: [6], dtype: 'float16' as const };
    const keys = [Buffer.alloc(64, 1)];
    {
      await using cache = await openFeatureCache({ dir });
      cache.claim(keys, layout);
    }
    const left = (await readdir(dir, { recursive: true })).filter((name) => !/claims$/.test(name));
    expect(left.map((name) => basename(name))).toEqual(['packs-1', '01'.repeat(16)]);
    await using one = await openFeatureCache({ dir, claims: false });
    await using two = await openFeatureCache({ dir, claims: false });
    expect([one.claim(keys, layout), two.claim(keys, layout)]).toEqual([['ours'], ['ours']]);
  });
});
