import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cliIn } from '../util/place.ts';
import {
  type TemporaryFolder,
  temporaryFolder,
  tinyBackbone,
  writePictures,
} from '../util/workspace.ts';

const classes = ['a\u001b[31mred', 'b\uffff', 'constructor'];
let place: TemporaryFolder;

/** On a machine without fonts, and without their configuration. */
const cli = (...args: string[]) =>
  cliIn(place, args, { env: { FONTCONFIG_FILE: join(place.path, 'absent.conf') } });

beforeAll(async () => {
  place = await temporaryFolder();
  await writePictures(join(place.path, 'data'), classes, 12);
});
afterAll(() => place[Symbol.asyncDispose]());

describe('class names that steer a terminal, or mean something to a program', () => {
  const data = ['data', '--backbone', tinyBackbone, '--epochs', '2'];
  it.each([
    ['check', 'data', '--html', 'check.html'],
    ['train', ...data, '--out', 'run', '--folds', '3'],
    ['evaluate', 'run', 'data', '--report', 'evaluation.html'],
    ['predict', 'run', 'data'],
    ['explain', 'run', join('data', 'constructor'), '--out', 'heat'],
    ['export', 'run', '--out', 'hub'],
    ['audit', ...data, '--head', 'linear', '--out', 'audit'],
    ['sweep', ...data, '--trials', '3', '--out', 'sweep'],
    ['learning-curve', ...data, '--head', 'linear', '--out', 'curve'],
  ])('%s works with them and prints them as text', async (...args) => {
    const { code, stdout, stderr } = await cli(...args);
    expect(stderr).not.toMatch(/fontconfig|warning: .*(plot|report|picture)/i);
    expect(`${stdout}${stderr}`).not.toMatch(/[^\P{Cc}\n\t]/u);
    expect(code).toBe(0);
  });

  it('keep their letters in plots, which no program here draws', async () => {
    const files = await readdir(join(place.path, 'run'));
    expect(files.filter((name) => name.endsWith('.png'))).toEqual([]);
    const svg = await readFile(join(place.path, 'run/confusion.svg'), 'utf8');
    for (const name of ['a\\x1b[31mred', 'b\\uffff', 'constructor']) {
      expect(svg).toContain(`>${name}</text>`);
    }
    const { classes: recorded } = JSON.parse(
      await readFile(join(place.path, 'run/run.json'), 'utf8'),
    );
    expect(recorded).toEqual(classes);
  });
});
