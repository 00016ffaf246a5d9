import { readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { cliIn, cliPlace } from '../util/place.ts';
import { tinyBackbone, writePictures } from '../util/workspace.ts';

const { place, cli, json } = cliPlace();
const backbone = ['--backbone', tinyBackbone];

beforeAll(async () => {
  await writePictures(join(place.path, 'data'), ['blue', 'green', 'red'], 20);
});

describe('train', () => {
  it('cross-validates at the end, unless told not to, and says why where it does not', async () => {
    const args = ['train', 'data', ...backbone, '--epochs', '3'];
    const asked = await json(...args, '--folds', '3', '--seeds', '2', '--out', 'asked');
    expect(asked.folds).toMatchObject({ folds: 3, seeds: 2, images: 48 });
    const [low, high] = asked.folds.interval;
    expect(low).toBeLessThanOrEqual(asked.folds.accuracy);
    expect(high).toBeGreaterThanOrEqual(asked.folds.accuracy);
    const written = JSON.parse(await readFile(join(place.path, 'asked/folds.json'), 'utf8'));
    expect(written).toEqual(asked.folds);
    const without = await json(...args, '--no-folds', '--out', 'asked', '--overwrite');
    expect(without).toMatchObject({ folds: null, folds_left_out: '--no-folds was given' });
    await expect(readFile(join(place.path, 'asked/folds.json'))).rejects.toThrow('ENOENT');
    const exact = await cli(...args, '--views', 'exact', '--folds', '3');
    expect(exact.code).toBe(2);
    expect(exact.stderr).toContain('--views exact');
  });

  it('keeps the run where cross-validation is interrupted', async () => {
    const args = ['train', 'data', ...backbone, '--epochs', '3', '--folds', '20', '--seeds', '50'];
    const { code, stdout } = await cliIn(place, [...args, '--out', 'kept'], {
      interruptWhen: (stderr) => stderr.includes('folds  '),
    });
    expect(code).toBe(130);
    expect(stdout).toContain('Run: ');
    expect((await cli('evaluate', 'kept', 'data')).code).toBe(0);
  });
});

describe('sweep', () => {
  it('goes on after Ctrl-C with what it had, to the same result', async () => {
    const args = ['sweep', 'data', ...backbone, '--trials', '12', '--epochs', '40'];
    const stop = { interruptWhen: (stderr: string) => stderr.includes('Heads on') };
    const { code } = await cliIn(place, [...args, '--out', 'stopped'], stop);
    expect(code).toBe(130);
    const resumed = await json(...args, '--out', 'stopped');
    const whole = await json(...args, '--out', 'whole');
    const result = (document: typeof whole) => [document.leaderboard, document.refit];
    expect(result(resumed)).toEqual(result(whole));
    expect(resumed.trials).toBe(12);
    expect(whole.refit.accuracy).toBeGreaterThanOrEqual(whole.baseline.accuracy);
    expect(whole.refit.accuracy).toBe(whole.best.accuracy);
    const again = await json(...args, '--out', 'whole');
    expect(again.resumed).toBe(12);
    expect(result(again)).toEqual(result(whole));
    const rows = (await readFile(join(place.path, 'whole/trials.csv'), 'utf8')).trim().split('\n');
    expect(rows).toHaveLength(13);
    expect((await cli('predict', 'whole/best', 'data/red/red-000.png')).code).toBe(0);
  }, 300_000);

  it('refuses what is not its own, and a space that is wrong', async () => {
    const other = await cli('sweep', 'data', ...backbone, '--seed', '9', '--out', 'whole');
    expect(other.code).toBe(2);
    expect(other.stderr).toContain('holds a sweep over other images');
    await writeFile(join(place.path, 'space.json'), '{"learningrate":[1]}');
    const wrong = await cli('sweep', 'data', ...backbone, '--space', 'space.json', '--out', 'new');
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('space.json has the unknown key "learningrate"');
    const foreign = await cli('sweep', 'data', ...backbone, '--out', 'data');
    expect(foreign.code).toBe(2);
    expect(foreign.stderr).toContain('holds other things');
  });

  it('waits for nobody: a folder that another sweep is at is refused, one it left is not', async () => {
    const args = ['sweep', 'data', ...backbone, '--trials', '12', '--epochs', '40'];
    const lock = join(place.path, 'whole/.sweep.lock');
    await writeFile(lock, JSON.stringify({ pid: process.pid, host: hostname(), token: 'a' }));
    const busy = await cli(...args, '--out', 'whole', '--json');
    expect(busy.code).toBe(1);
    expect(JSON.parse(busy.stdout).error.code).toBe('BUSY');
    expect(busy.stderr).toContain(`Process ${process.pid} on ${hostname()} is running a sweep in`);
    await writeFile(lock, JSON.stringify({ pid: 2 ** 22 + 5, host: hostname(), token: 'a' }));
    expect((await json(...args, '--out', 'whole')).resumed).toBe(12);
    await expect(readFile(lock)).rejects.toThrow('ENOENT');
  });

  it('keeps to its time', async () => {
    const args = ['sweep', 'data', ...backbone, '--budget', '1s', '--epochs', '300'];
    await json(...args, '--search', 'random', '--no-early-stopping', '--out', 'short');
    const state = JSON.parse(await readFile(join(place.path, 'short/sweep.json'), 'utf8'));
    const ends = new Set(state.finished.map(({ ended }: { ended: string }) => ended));
    expect(ends).toContain('budget');
  });
});

describe('a file that cannot be read', () => {
  it('is named with the reason by every study', async () => {
    await writePictures(join(place.path, 'damaged'), ['blue', 'green', 'red'], 12);
    await writeFile(join(place.path, 'damaged/red/broken.png'), 'no picture');
    const few = ['--epochs', '2', '--no-augment', '--strict'];
    for (const [command, ...more] of [
      ['folds', '--folds', '2'],
      ['sweep', '--trials', '2'],
      ['audit', '--folds', '2', '--seeds', '1'],
      ['learning-curve', '--seeds', '1', '--sizes', '4'],
    ] as [string, ...string[]][]) {
      const { code, stdout } = await cli(command, 'damaged', ...backbone, ...few, ...more);
      expect(code).toBe(3);
      expect(stdout).toContain(`skipped ${join(place.path, 'damaged/red/broken.png')}: `);
    }
  });
});

describe('feature files', () => {
  const file = (name: string) => join(place.path, name);
  const both = ['--features', 'f.safetensors', '--val-features', 'f.validation.safetensors'];
  beforeAll(async () => {
    const images = join(place.path, 'split');
    await writePictures(join(images, 'train'), ['blue', 'green', 'red'], 12);
    await writePictures(join(images, 'validation'), ['blue', 'green', 'red'], 4);
    await json('features', 'split', ...backbone, '--no-augment', '--out', 'f.safetensors');
  });

  it('keep groups whole in cross-validation', async () => {
    const grouped = ['--head', 'linear', '--epochs', '2', '--group-by', 'train/([a-z]+)'];
    const folds = await cli('folds', '--features', 'f.safetensors', ...grouped, '--folds', '4');
    expect(folds.code).toBe(2);
    expect(folds.stderr).toContain('3 different images or groups cannot make 4 folds');
    const train = await cli('train', ...both, ...grouped, '--folds', '4', '--out', 'grouped');
    expect(train.stderr).toContain('3 different images or groups cannot make 4 folds');
  });

  it('of other numbers are another search, whatever their names and labels', async () => {
    const args = ['sweep', ...both, '--trials', '3', '--epochs', '2', '--out', 'on-files'];
    await json(...args);
    expect((await json(...args)).resumed).toBe(3);
    const bytes = await readFile(file('f.safetensors'));
    // The sign of the first feature.
    const at = 8 + Number(bytes.readBigUInt64LE()) + 3;
    bytes[at] = (bytes[at] as number) ^ 0x80;
    await writeFile(file('f.safetensors'), bytes);
    const refused = await cli(...args);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('holds a sweep over other images');
  });
});

describe('compare', () => {
  it('compares runs on the images that they share, and refuses those that share none', async () => {
    const args = ['train', 'data', ...backbone, '--no-folds'];
    await json(...args, '--epochs', '1', '--out', 'short-run');
    await json(...args, '--epochs', '15', '--out', 'long-run');
    const result = await json('compare', 'short-run', 'long-run');
    expect(result).toMatchObject({ images: 12, matched_by: 'content' });
    const [compared] = result.comparisons;
    expect(compared.difference).toBeCloseTo(result.runs[1].accuracy - result.runs[0].accuracy, 10);
    await json(...args, '--epochs', '1', '--seed', '5', '--out', 'other-split');
    const refused = await cli('compare', 'short-run', 'other-split');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('were validated on different images');
    expect((await cli('compare', 'short-run')).code).toBe(2);
  });
});
