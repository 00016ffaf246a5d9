import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
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
const cli = (...args: string[]) => cliIn(place, args);
const split = ['--test-fraction', '0.2', '--group-by', '(\\d\\d)\\.png'];
const train = ['train', 'data', '--backbone', tinyBackbone, '--no-augment', '--epochs', '2'];

beforeAll(async () => {
  place = await temporaryFolder();
  await writePictures(join(place.path, 'data'), ['blue', 'green', 'red'], 10);
  const bytes = await readFile(join(place.path, 'data/red/red-004.png'));
  const hash = createHash('sha256').update(bytes).digest('hex');
  await writeFile(
    join(place.path, 'c.csv'),
    `hash,file,action,label\n${hash},red/red-004.png,remove,\n`,
  );
  const { code, stderr } = await cli(...train, ...split, '--corrections', 'c.csv', '--out', 'run');
  expect(stderr).toContain('Corrections in c.csv: 0 images relabelled, 1 left out');
  expect(code).toBe(0);
});

afterAll(() => place[Symbol.asyncDispose]());

async function evaluated(...args: string[]) {
  const { code, stdout, stderr } = await cli('evaluate', 'run', 'data', ...args, '--json');
  return { code, stderr, samples: code === 0 ? JSON.parse(stdout).metrics.samples : undefined };
}

describe('A run on a folder that was split', () => {
  it('says in run.json how it was split and corrected', async () => {
    const { data } = JSON.parse(await readFile(join(place.path, 'run/run.json'), 'utf8'));
    expect(data.split).toEqual({
      validationFraction: 0.2,
      testFraction: 0.2,
      groupBy: '(\\d\\d)\\.png',
      seed: 0,
    });
    // Groups are 00 to 09 over all three classes: two of ten in validation and in test.
    const { trainSamples, validationSamples, testSamples } = data;
    expect(trainSamples + validationSamples + testSamples).toBe(29);
    expect(testSamples).toBe(6);
    expect([5, 6]).toContain(validationSamples);
    const sha256 = createHash('sha256')
      .update(await readFile(join(place.path, 'c.csv')))
      .digest('hex');
    expect(data.corrections).toMatchObject({ file: 'c.csv', sha256, removed: 1 });
  });

  it('is measured on the part that it never saw', async () => {
    const test = await evaluated('--split', 'test', '--corrections', 'c.csv');
    expect(test).toMatchObject({ code: 0, samples: 6 });
    expect(test.stderr).not.toContain('warning');
  });

  it('warns where the same images may be in other parts, and where all are measured', async () => {
    const other = await evaluated('--split', 'test');
    expect(other.stderr).toContain('warning: the run was trained with the corrections in c.csv');
    const all = await evaluated();
    expect(all.samples).toBe(30);
    expect(all.stderr).toContain('warning: most of these images were used to train the run');
  });

  it('refuses corrections that name no class, with file and line', async () => {
    const text = await readFile(join(place.path, 'c.csv'), 'utf8');
    await writeFile(join(place.path, 'wrong.csv'), text.replace('remove,', 'relabel,purple'));
    const files = ['train', '--features', 'f.safetensors', '--val-features', 'v.safetensors'];
    const refused = await cli(...files, '--corrections', 'wrong.csv');
    expect(refused.stderr).toContain('error: Corrections are for a folder of images');
    expect(refused.code).toBe(2);
    for (const command of [['check', 'data'], train]) {
      const { code, stderr } = await cli(...command, '--corrections', 'wrong.csv');
      expect(stderr).toContain('error: wrong.csv, line 2: "purple" is not a class of the data');
      expect(code).toBe(2);
    }
  });
});
