import { execFileSync } from 'node:child_process';
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readRun } from '@headstart/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { cliIn, cliPlace } from '../util/place.ts';
import { tinyBackbone, writePictures } from '../util/workspace.ts';

const { place, at, cli } = cliPlace();
const device = ['--device', 'cpu'];
const features = (cache: string, ...more: string[]) =>
  cli(
    'features',
    'data',
    '--backbone',
    tinyBackbone,
    '--no-augment',
    '--cache-dir',
    cache,
    ...more,
  );

beforeAll(async () => {
  await writePictures(at('data'), ['blue', 'red'], 8);
  const train = ['train', 'data', '--backbone', tinyBackbone, '--no-augment', '--no-folds'];
  const { code, stderr } = await cli(...train, '--epochs', '1', '--out', 'run', ...device);
  expect([code, stderr]).toEqual([0, expect.any(String)]);
}, 60_000);

/** Puts a pipe, to which nobody writes, in the place of a file. */
async function makePipe(path: string): Promise<void> {
  await rm(path, { force: true });
  execFileSync('mkfifo', [path]);
}

/** A copy of the run with a pipe in the place of one of its files. */
async function runWithPipe(name: string): Promise<string> {
  const run = at(`run-${name}`);
  await cp(at('run'), run, { recursive: true });
  await makePipe(join(run, name));
  return run;
}

describe.skipIf(process.platform === 'win32')('A pipe to which nobody writes', () => {
  it.each(['run.json', 'metrics.json', 'model.onnx', 'head.safetensors'])(
    'is refused as the %s of a run',
    async (name) => {
      const run = await runWithPipe(name);
      const refusal = new RegExp(`Cannot read .*run-${name}.*: it is not a regular file`);
      await expect(readRun(run)).rejects.toMatchObject({
        code: 'RUN_INVALID',
        message: expect.stringMatching(refusal),
      });
      const { code, stderr } = await cli('predict', run, 'data/red', ...device);
      expect([code, stderr]).toEqual([1, expect.stringMatching(refusal)]);
    },
    30_000,
  );

  it.each([
    ['a head', ['train', 'data', '--backbone', tinyBackbone, '--head', 'pipe.json']],
    ['corrections', ['check', 'data', '--corrections', 'pipe.json']],
    ['options', ['check', 'data', '--config', 'pipe.json']],
    ['a search space', ['sweep', 'data', '--backbone', tinyBackbone, '--space', 'pipe.json']],
    ['a backbone', ['features', 'data', '--backbone', 'pipe.json']],
    ['a feature file', ['train', '--features', 'pipe.json', '--val-features', 'pipe.json']],
    ['weights', ['pull', '--from', 'pipe.json']],
  ])(
    'is refused as %s',
    async (_, args) => {
      await makePipe(at('pipe.json'));
      const { code, stderr } = await cli(...args);
      expect([code === 0, stderr]).toEqual([
        false,
        expect.stringMatching(/pipe\.json: it (is not a regular file|cannot be read: it is not a)/),
      ]);
    },
    30_000,
  );

  it('is named as an image of a table', async () => {
    await makePipe(at('data', 'pipe.png'));
    const others = ['red', 'blue'].flatMap((label) =>
      [1, 2, 3].map((i) => `${label}/${label}-00${i}.png,${label}\n`),
    );
    await writeFile(at('data', 'table.csv'), `path,label\npipe.png,red\n${others.join('')}`);
    const { code, stdout } = await cli('check', 'data/table.csv', '--json');
    await rm(at('data', 'pipe.png'));
    expect(code).toBe(0);
    expect(stdout).toMatch(/pipe\.png.*it is not a regular file \(table\.csv, line 2\)/s);
  });

  it('is refused as headstart.json', async () => {
    await mkdir(at('with-options'));
    await makePipe(at('with-options', 'headstart.json'));
    const { code, stderr } = await cliIn(place, ['check', '../data'], { cwd: at('with-options') });
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('headstart.json: it cannot be read: it is not a regular file.'),
    ]);
  });

  it.each(['.pack', '.idx', '.files', 'extractor.json'])(
    'is left out as a file of the cache (%s)',
    async (end) => {
      const cache = `cache-${end}`;
      expect((await features(cache)).code).toBe(0);
      const names = await readdir(at(cache), { recursive: true });
      const file = names.find((name) => name.endsWith(end));
      await makePipe(at(cache, file ?? 'none'));
      const { code, stdout } = await features(cache, '--json');
      const computed = end === '.pack' ? 16 : 0;
      expect([code, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ computed })]);
      expect((await cli('cache', 'ls', '--cache-dir', cache)).code).toBe(0);
      expect((await cli('cache', 'verify', '--cache-dir', cache)).code).toBe(0);
    },
    30_000,
  );
});

describe('A pattern of groups that backtracks without end', () => {
  it('is stopped, and named with the path that it was at', async () => {
    await writePictures(at('series'), [`${'a'.repeat(40)}`, 'b'], 2);
    const pattern = '^(a+)+/$';
    for (const args of [
      ['check', 'series'],
      ['train', 'series', '--backbone', tinyBackbone],
    ]) {
      const { code, stderr } = await cli(...args, '--group-by', pattern);
      expect(stderr).toMatch(
        /The pattern \^\(a\+\)\+\/\$ of --group-by was stopped after 2 seconds, at a+\/a+-\d+\.png: write it/,
      );
      expect(code).toBe(2);
    }
  }, 60_000);

  it('does not stop others, whatever the number of paths', async () => {
    await writeFile(at('headstart-none'), '');
    const { code, stdout } = await cli('check', 'data', '--group-by', '(\\w+)-\\d', '--json');
    expect([code, stdout]).toEqual([0, expect.any(String)]);
  });
});
