import { copyFile, cp, readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { cliPlace } from '../util/place.ts';
import { tinyBackbone, writePictures } from '../util/workspace.ts';

const { at, cli } = cliPlace();
const train = (data: string, ...args: string[]) =>
  cli('train', data, '--backbone', tinyBackbone, '--epochs', '1', '--no-folds', ...args);

const hint = '`headstart check` writes corrections that leave them out: --write-corrections.';
const conflict = 'images have the same content under two classes';
const leak = 'validation images have the same content as training images';

beforeAll(async () => {
  await writePictures(at('sound'), ['blue', 'green'], 25);
  await cp(at('sound'), at('flat'), { recursive: true });
  await copyFile(at('flat/blue/blue-003.png'), at('flat/green/copy.png'));
  for (const name of ['blue', 'green']) {
    const last = `${name}-024.png`;
    await cp(at('sound', name), at('parts/train', name), { recursive: true });
    await cp(at('sound', name, last), at('parts/validation', name, last));
  }
});

describe.each([
  { data: 'flat', said: conflict, silent: leak, action: 'remove', rows: 1, images: 49 },
  {
    data: 'parts',
    said: leak,
    silent: conflict,
    action: 'remove-from-training',
    rows: 2,
    images: 50,
  },
])('the same bytes twice in $data', ({ data, said, silent, action, rows, images }) => {
  it('are warned of by train, once, with the way out', async () => {
    const { code, stderr } = await train(data, '--out', `runs/${data}`);
    expect(stderr.split(said)).toHaveLength(2);
    expect(stderr).toContain(hint);
    expect(stderr).not.toContain(silent);
    expect(code).toBe(0);
  });

  it('make train --strict and check --strict exit with 3, the run being written', async () => {
    const strict = await train(data, '--strict', '--out', `runs/strict-${data}`);
    expect(strict.stderr).toContain('error: images of the same bytes');
    expect(strict.code).toBe(3);
    expect(JSON.parse(await readFile(at(`runs/strict-${data}/run.json`), 'utf8'))).toHaveProperty(
      'result',
    );
    const check = await cli('check', data, '--strict');
    expect(check.code).toBe(3);
    expect(`${check.stdout}${check.stderr}`).not.toContain(said);
    const advice =
      'in two classes or parts: --write-corrections writes corrections that leave them';
    expect(check.stdout.split(advice)).toHaveLength(2);
    expect((await cli('check', data)).code).toBe(0);
  });

  it('are left out by the corrections that check writes', async () => {
    const file = `${data}.csv`;
    const written = await cli('check', data, '--write-corrections', file);
    expect(written.stdout).toContain(`Written: ${file}`);
    expect(written.code).toBe(0);
    const lines = (await readFile(at(file), 'utf8')).trim().split('\n').slice(1);
    expect(lines.map((line) => line.split(',')[2])).toEqual(Array(rows).fill(action));
    const check = await cli('check', data, '--corrections', file, '--strict', '--json');
    expect(check.code).toBe(0);
    const report = JSON.parse(check.stdout);
    expect(report.images).toBe(images);
    const alike = [...report.conflicts, ...report.leaks] as { readonly exact: boolean }[];
    expect(alike.filter(({ exact }) => exact)).toEqual([]);
    const out = ['--out', `runs/clean-${data}`];
    const { code, stderr } = await train(data, '--corrections', file, '--strict', ...out);
    expect(stderr).not.toContain('same content');
    expect(code).toBe(0);
  });
});

describe('a sound folder', () => {
  it('is warned of by nobody, and passes --strict', async () => {
    const { code, stderr } = await train('sound', '--strict', '--out', 'runs/sound');
    expect(stderr).not.toContain('warning');
    expect(code).toBe(0);
    const check = await cli('check', 'sound', '--strict');
    expect(check.stdout).not.toContain('--write-corrections');
    expect(check.code).toBe(0);
  });
});
