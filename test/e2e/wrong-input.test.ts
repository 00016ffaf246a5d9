import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readRun } from '@headstart/core';
import { describe, expect, it } from 'vitest';
import { runCli } from '../util/cli.ts';
import { temporaryFolder, tinyBackbone, writePictures } from '../util/workspace.ts';

/** Runs `train` in an empty place of its own, with a backbone that costs nothing. */
async function train(folder: string, ...args: string[]) {
  const dirs = ['--cache-dir', join(folder, 'cache'), '--models-dir', join(folder, 'models')];
  return runCli(['train', ...args, '--backbone', tinyBackbone, ...dirs], { cwd: folder });
}

function errorLines(stderr: string): string[] {
  return stderr.split('\n').filter((line) => line.startsWith('error:'));
}

describe('wrong input gets one clear sentence and its exit code', () => {
  it('a folder that is not there', async () => {
    await using place = await temporaryFolder();
    const { code, stderr, stdout } = await train(place.path, 'no-such-folder');
    expect(code).toBe(2);
    expect(errorLines(stderr)).toHaveLength(1);
    expect(stderr).toContain('no-such-folder');
    expect(stdout).toBe('');
  });

  it('a file instead of a folder', async () => {
    await using place = await temporaryFolder();
    await writeFile(join(place.path, 'photo.jpg'), 'x');
    const { code, stderr } = await train(place.path, 'photo.jpg');
    expect(code).toBe(2);
    expect(errorLines(stderr)).toHaveLength(1);
    expect(stderr).toMatch(/photo\.jpg.*file/);
  });

  it('a file where a folder goes, and a folder where a file goes', async () => {
    await using place = await temporaryFolder();
    await writeFile(join(place.path, 'file'), 'x');
    await writePictures(join(place.path, 'data'), ['blue', 'red'], 3);
    const cache = await runCli(['cache', 'ls', '--cache-dir', 'file'], { cwd: place.path });
    expect(cache.code).toBe(1);
    expect(errorLines(cache.stderr)).toEqual([
      'error: The feature cache cannot be in file: it is a file, or its path leads through one. Choose a folder with --cache-dir.',
    ]);
    const { code, stderr } = await train(place.path, 'data', '--corrections', 'data');
    expect(code).toBe(2);
    expect(errorLines(stderr)).toEqual([
      'error: Cannot read the corrections data: it is a folder. Give a CSV file as `headstart audit` writes it.',
    ]);
  });

  it('an empty folder', async () => {
    await using place = await temporaryFolder();
    await mkdir(join(place.path, 'data'));
    const { code, stderr } = await train(place.path, 'data');
    expect(code).toBe(2);
    expect(errorLines(stderr)).toHaveLength(1);
    expect(stderr).toContain('data');
  });

  it('one class only', async () => {
    await using place = await temporaryFolder();
    await writePictures(join(place.path, 'data'), ['lonely'], 3);
    const { code, stderr } = await train(place.path, 'data');
    expect(code).toBe(2);
    expect(errorLines(stderr)).toHaveLength(1);
    expect(stderr).toContain('lonely');
  });

  it('an option that does not exist, with what was meant', async () => {
    const { code, stderr } = await runCli(['train', 'data', '--epoch', '3']);
    expect(code).toBe(2);
    expect(stderr).toContain("unknown option '--epoch'");
    expect(stderr).toContain('--epochs');
  });

  it('a value that an option cannot have', async () => {
    const { code, stderr } = await runCli(['train', 'data', '--batch-size', 'many']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/--batch-size.*many/);
  });

  it.each([
    ['--optimizer', 'adagrad', 'adagrad'],
    ['--momentum', '1', '--momentum'],
    ['--weight-decay', '-0.1', '--weight-decay'],
    ['--label-smoothing', '1.5', '--label-smoothing'],
    ['--lr-schedule', 'exponential', 'exponential'],
    ['--warmup-epochs', 'two', '--warmup-epochs'],
    ['--lr-patience', '-1', '--lr-patience'],
    ['--compute', 'fp8', 'fp8'],
  ])('%s %s', async (option, value, named) => {
    const { code, stderr } = await runCli(['train', 'data', option, value]);
    expect(code).toBe(2);
    expect(errorLines(stderr)).toHaveLength(1);
    expect(stderr).toContain(named);
  });

  it('a momentum that the optimizer does not have', async () => {
    await using place = await temporaryFolder();
    await writePictures(join(place.path, 'data'), ['a', 'b'], 3);
    const { code, stderr } = await train(place.path, 'data', '--momentum', '0.9');
    expect(code).toBe(2);
    expect(errorLines(stderr)).toHaveLength(1);
    expect(stderr).toContain('momentum');
    expect(await readdir(place.path)).toEqual(['data']);
  });

  it('a place that cannot be written', async () => {
    await using place = await temporaryFolder();
    await writePictures(join(place.path, 'data'), ['a', 'b'], 3);
    await writeFile(join(place.path, 'blocked'), 'a file where a folder should be');
    const { code, stderr } = await train(place.path, 'data', '--out', 'blocked/run');
    expect(code).toBe(1);
    expect(errorLines(stderr)).toHaveLength(1);
    expect(stderr).toContain('blocked');
  });

  it('a place for results that cannot be written is refused before the work', async () => {
    await using place = await temporaryFolder();
    await writePictures(join(place.path, 'data'), ['a', 'b'], 12);
    const out = process.platform === 'linux' ? '/proc/headstart/out' : '/dev/null/out';
    const kept = ['--backbone', tinyBackbone, '--cache-dir', 'cache', '--out'];
    for (const command of ['audit', 'learning-curve', 'sweep']) {
      const { code, stderr } = await runCli([command, 'data', ...kept, out], { cwd: place.path });
      expect(code).toBe(1);
      expect(errorLines(stderr)).toHaveLength(1);
      expect(stderr).toContain(out);
      expect(stderr).not.toContain('features');
    }
    await train(place.path, 'data', '--epochs', '1', '--no-folds', '--out', 'run');
    const args = ['evaluate', 'run', 'data', '--report', `${out}.html`, '--cache-dir', 'cache'];
    const { code, stderr } = await runCli(args, { cwd: place.path });
    expect(code).toBe(1);
    expect(stderr).toContain(`${out}.html`);
    expect(stderr).not.toContain('features');
  });

  it('a cache folder that cannot be made, even where the system hides why', async () => {
    await using place = await temporaryFolder();
    await writePictures(join(place.path, 'data'), ['a', 'b'], 3);
    const cache = process.platform === 'linux' ? '/proc/headstart/cache' : '/dev/null/cache';
    const args = ['train', 'data', '--backbone', tinyBackbone, '--cache-dir', cache];
    const { code, stderr } = await runCli(args, { cwd: place.path });
    expect(code).toBe(1);
    expect(errorLines(stderr)).toHaveLength(1);
    expect(stderr).toContain(cache);
    expect(await readdir(place.path)).toEqual(['data']);
  });

  it('an --out folder that holds other things is left as it is', async () => {
    await using place = await temporaryFolder();
    await writePictures(join(place.path, 'data'), ['a', 'b'], 3);
    const { code, stderr } = await train(place.path, 'data', '--out', 'data');
    expect(code).toBe(2);
    expect(errorLines(stderr)).toHaveLength(1);
    expect((await readdir(join(place.path, 'data'))).sort()).toEqual(['a', 'b']);
  });

  it('an --out folder that holds a finished run, unless --overwrite is given', async () => {
    await using place = await temporaryFolder();
    await writePictures(join(place.path, 'data'), ['a', 'b'], 12);
    const run = join(place.path, 'run');
    const again = ['data', '--epochs', '1', '--no-folds', '--out', 'run', '--seed'];
    expect((await train(place.path, ...again, '1')).code).toBe(0);
    const refused = await train(place.path, ...again, '2');
    expect([refused.code, refused.stderr]).toEqual([
      2,
      'error: The folder run given as --out holds a finished run: give another one, or --overwrite to replace the run when the new one is complete.\n',
    ]);
    expect((await readRun(run)).record.seed).toBe(1);
    expect((await train(place.path, ...again, '2', '--overwrite')).code).toBe(0);
    expect((await readRun(run)).record.seed).toBe(2);
    await writeFile(join(run, 'notes.txt'), 'mine');
    const mixed = await train(place.path, ...again, '3', '--overwrite');
    expect(mixed.code).toBe(2);
    expect(mixed.stderr).toContain('holds other things (notes.txt)');
    expect((await readRun(run)).record.seed).toBe(2);
  });

  it('vgg16 that was not pulled names the command that fetches it', async () => {
    await using place = await temporaryFolder();
    await writePictures(join(place.path, 'data'), ['a', 'b'], 3);
    const models = ['--models-dir', join(place.path, 'models')];
    const cache = ['--cache-dir', join(place.path, 'cache')];
    const { code, stderr } = await runCli(['train', 'data', ...models, ...cache], {
      cwd: place.path,
    });
    expect(code).toBe(1);
    expect(errorLines(stderr)).toHaveLength(1);
    expect(stderr).toContain('headstart pull');
  });

  it('a GPU that is required and absent ends with 5', async () => {
    await using place = await temporaryFolder();
    await writePictures(join(place.path, 'data'), ['a', 'b'], 3);
    const { code, stderr } = await train(place.path, 'data', '--require-gpu');
    // A machine with a GPU and its libraries may do it.
    if (code === 0) return;
    expect(code).toBe(5);
    expect(errorLines(stderr)).toHaveLength(1);
  });

  it('a feature file that cannot be written, before features are computed', async () => {
    await using place = await temporaryFolder();
    await writePictures(join(place.path, 'data'), ['a', 'b'], 3);
    await mkdir(join(place.path, 'taken'));
    const cache = join(place.path, 'cache');
    const args = ['features', 'data', '--backbone', tinyBackbone, '--cache-dir', cache];
    const { code, stderr } = await runCli([...args, '--out', 'taken'], { cwd: place.path });
    expect(code).toBe(1);
    expect(stderr).toBe(
      'error: Cannot write taken: it is a folder. Choose a place that can be written.\n',
    );
  });

  it('a run that is no run', async () => {
    await using place = await temporaryFolder();
    const { code, stderr } = await runCli(['predict', place.path, 'x.jpg']);
    expect(code).toBe(1);
    expect(errorLines(stderr)).toHaveLength(1);
    expect(stderr).toContain('run.json');
  });

  it('under --json the error is a document on stdout too', async () => {
    await using place = await temporaryFolder();
    const { code, stdout } = await train(place.path, 'no-such-folder', '--json');
    expect(code).toBe(2);
    expect(JSON.parse(stdout).error.code).toBe('DATA_LAYOUT');
  });
});
