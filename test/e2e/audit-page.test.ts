import { copyFile, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath, startChromium } from '../util/chromium.ts';
import { cliIn } from '../util/place.ts';
import {
  type TemporaryFolder,
  temporaryFolder,
  tinyBackbone,
  writePictures,
} from '../util/workspace.ts';

const chromium = chromiumPath();
const args = [
  '--backbone',
  tinyBackbone,
  '--seeds',
  '2',
  '--folds',
  '3',
  '--learning-rate',
  '0.01',
];

let place: TemporaryFolder;
const audit = async (...more: string[]) => {
  const { code, stdout, stderr } = await cliIn(place, [
    'audit',
    'data',
    ...args,
    ...more,
    '--json',
  ]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
};

beforeAll(async () => {
  place = await temporaryFolder();
  const data = join(place.path, 'data');
  await writePictures(data, ['blue', 'green', 'red'], 20);
  await rename(join(data, 'red/red-003.png'), join(data, 'blue/really-red.png'));
  await copyFile(join(data, 'green/green-005.png'), join(data, 'green/again.png'));
});
afterAll(() => place[Symbol.asyncDispose]());

describe('audit', () => {
  it('names the wrong label with the right class, and the picture that is there twice', async () => {
    const result = await audit('--out', 'found');
    expect(result.suspicious[0]).toMatchObject({
      file: 'blue/really-red.png',
      label: 'blue',
      suggested: 'red',
    });
    const twice = result.near_duplicates.find(
      ({ similarity }: { similarity: number }) => similarity > 0.99999,
    );
    expect(twice.files.map(({ file }: { file: string }) => file).sort()).toEqual([
      'green/again.png',
      'green/green-005.png',
    ]);
    const rows = (await readFile(join(place.path, 'found/audit.csv'), 'utf8')).trim().split('\n');
    expect(rows).toHaveLength(62);
    expect(rows[1]).toMatch(/^1,blue\/really-red\.png,[0-9a-f]{64},blue,red,/);
  });

  it('offers no decision between files of the same bytes, which it could only take for both', async () => {
    const page = await readFile(join(place.path, 'found/audit.html'), 'utf8');
    const [, json] = page.match(/const audit = (\{.*\});\n/) as RegExpMatchArray;
    const { items } = JSON.parse(json as string) as { items: { file: string; like?: string }[] };
    expect(items.length).toBeGreaterThan(0);
    const pairs = items.filter(({ like }) => like).map(({ file, like }) => [file, like].sort());
    expect(pairs).not.toContainEqual(['green/again.png', 'green/green-005.png']);
  });

  it.skipIf(!chromium)(
    'has a page whose keys decide, and that saves what every command takes',
    async () => {
      await using browser = await startChromium(chromium as string);
      const page = await browser.newPage();
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(String(error)));
      page.on('console', (message) => {
        if (message.type() === 'error') errors.push(message.text());
      });
      await page.goto(pathToFileURL(join(place.path, 'found/audit.html')).href);
      const state = (i: number) => page.locator('.card .state').nth(i).textContent();
      await page.keyboard.press('r');
      expect(await state(0)).toBe('relabel: red');
      await page.keyboard.press('ArrowLeft');
      await page.keyboard.press('u');
      expect(await state(0)).toBe('');
      await page.keyboard.press('3');
      expect(await state(0)).toBe('relabel: red');
      await page.keyboard.press('x');
      await page.reload();
      expect(await state(0)).toBe('relabel: red');
      expect(await state(1)).toBe('remove');
      const download = page.waitForEvent('download');
      await page.keyboard.press('s');
      await (await download).saveAs(join(place.path, 'corrections.csv'));
      expect(errors).toEqual([]);
      const text = await readFile(join(place.path, 'corrections.csv'), 'utf8');
      expect(text).toMatch(
        /^hash,file,action,label\n[0-9a-f]{64},blue\/really-red\.png,relabel,red\n/,
      );
      const again = await audit('--corrections', 'corrections.csv', '--out', 'again');
      // The second card was one picture, not one that is there twice.
      expect(again.images).toBe(60);
      const files = again.suspicious.map(({ file }: { file: string }) => file);
      expect(files).not.toContain('blue/really-red.png');
    },
  );
});
