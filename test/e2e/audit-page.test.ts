import { copyFile, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
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

/** A page in the browser, with its keys and what it saves. */
async function openPage(browser: Browser, name: string) {
  const page = await browser.newPage();
  await page.goto(pathToFileURL(join(place.path, name)).href);
  const states = () => page.locator('.card .state').allTextContents();
  const press = async (...keys: string[]) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  const save = async (file: string) => {
    const download = page.waitForEvent('download');
    await page.keyboard.press('s');
    await (await download).saveAs(join(place.path, file));
    return readFile(join(place.path, file), 'utf8');
  };
  return { page, states, press, save };
}

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

  it.skipIf(!chromium)('has keys that decide on nothing but the card that is seen', async () => {
    await using browser = await startChromium(chromium as string);
    const { page, states, press } = await openPage(browser, 'found/audit.html');
    const count = (await states()).length;
    const none = Array.from({ length: count }, () => '');
    await press('x', 'u');
    expect(await states()).toEqual(none);
    await press('x', 'k', 'u', 'u');
    expect(await states()).toEqual(none);
    await page.locator('.card select').first().selectOption('green');
    await press('ArrowRight', 'k');
    expect((await states()).slice(0, 2)).toEqual(['relabel: green', 'keep']);
    await press('u', 'ArrowLeft', 'u');
    expect(await states()).toEqual(none);
    await page.evaluate(() => {
      for (const option of document.querySelectorAll('#filter option')) {
        if (option.getAttribute('value') === 'outlier') option.setAttribute('value', 'nothing');
      }
    });
    await page.selectOption('#filter', 'nothing');
    expect(await page.locator('.card:visible').count()).toBe(0);
    await press('x', 'k', '1');
    expect(await states()).toEqual(none);
  });

  it.skipIf(!chromium)(
    'settles the label of files of the same bytes, and saves earlier corrections with new ones',
    async () => {
      const names = ['green/green-007.png', 'red/green.png'];
      const [from, to] = names.map((name) => join(place.path, 'data', name));
      await copyFile(from as string, to as string);
      await audit('--out', 'disputed');
      await using browser = await startChromium(chromium as string);
      const first = await openPage(browser, 'disputed/audit.html');
      await first.page.selectOption('#filter', 'duplicate');
      const cards = first.page.locator('.card:visible');
      const disputed = cards
        .filter({ hasText: 'like red/green.png' })
        .or(cards.filter({ has: first.page.locator('.file', { hasText: 'red/green.png' }) }));
      await disputed.first().getByRole('button', { name: 'keep' }).click();
      const label = await disputed.first().locator('strong').textContent();
      const saved = await first.save('settled.csv');
      expect(saved).toMatch(new RegExp(`,relabel,${label}\n`));
      await audit('--corrections', 'settled.csv', '--out', 'settled');
      const table = await readFile(join(place.path, 'settled/audit.csv'), 'utf8');
      for (const name of names) {
        expect(table).toMatch(new RegExp(`,${name},[0-9a-f]{64},${label},`));
      }
      const second = await openPage(browser, 'settled/audit.html');
      await second.press('x');
      const both = (await second.save('both.csv')).trim().split('\n');
      expect(both).toHaveLength(3);
      expect(both.slice(0, 2).join('\n')).toBe(saved.trim());
    },
  );
});
