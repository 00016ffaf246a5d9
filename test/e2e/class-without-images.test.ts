import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cliIn } from '../util/place.ts';
import {
  type TemporaryFolder,
  temporaryFolder,
  tinyBackbone,
  writePictures,
} from '../util/workspace.ts';

let place: TemporaryFolder;

beforeAll(async () => {
  place = await temporaryFolder();
  await writePictures(join(place.path, 'data'), ['blue', 'green', 'red'], 6);
  const green = join(place.path, 'data/green');
  for (const name of await readdir(green))
    await writeFile(join(green, name), `no picture: ${name}`);
});
afterAll(() => place[Symbol.asyncDispose]());

const warning = 'warning: No image to learn from is left of: green.';

describe('A class whose images cannot be read', () => {
  it.each([
    ['train', ['--epochs', '2', '--no-folds', '--out', 'run']],
    ['folds', ['--epochs', '2', '--folds', '2']],
    ['sweep', ['--trials', '2', '--epochs', '2', '--out', 'sweep']],
  ])('is named by %s', async (command, options) => {
    const backbone = ['--backbone', tinyBackbone, '--no-augment'];
    const { code, stderr } = await cliIn(place, [command, 'data', ...backbone, ...options]);
    expect(stderr.split(warning)).toHaveLength(2);
    expect(code).toBe(0);
  });

  it('is named in the record of a run', async () => {
    const { data } = JSON.parse(await readFile(join(place.path, 'run/run.json'), 'utf8'));
    expect(data.warnings.join(' ')).toContain('No image to learn from is left of: green.');
  });
});
