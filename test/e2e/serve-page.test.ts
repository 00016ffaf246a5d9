/// <reference lib="dom" />
import { mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { train } from '@headstart/core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, startChromium } from '../util/chromium.ts';
import { colourOptions, servedClasses, serveRun, type TestServer } from '../util/served.ts';
import { type TemporaryFolder, temporaryFolder, writePictures } from '../util/workspace.ts';

const chromium = chromiumPath();

describe.skipIf(chromium === undefined)('the page', () => {
  let place: TemporaryFolder;
  let server: TestServer;
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];
  const at = (...parts: string[]) => join(place.path, ...parts);
  const picture = (name: string, i: number) => at('data/train', name, `${name}-00${i}.png`);

  beforeAll(async () => {
    place = await temporaryFolder();
    await writePictures(at('data/train'), servedClasses, 9);
    for (const name of servedClasses) {
      await mkdir(at('data/validation', name), { recursive: true });
      for (const i of [6, 7, 8]) {
        await rename(picture(name, i), at('data/validation', name, `${name}-00${i}.png`));
      }
    }
    // In the wrong folder: the run is wrong about it.
    await rename(at('data/validation/blue/blue-008.png'), at('data/validation/red/wrong.png'));
    const { run } = await train({ ...colourOptions(place.path), out: at('runs/colours') });
    server = await serveRun(run, { retrain: colourOptions(place.path) });
    browser = await startChromium(chromium as string);
    page = await browser.newPage();
    // Busy machines are slow, which is no failure.
    page.setDefaultTimeout(90_000);
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      const own = origin === server.url || protocol === 'blob:' || protocol === 'data:';
      if (!own) problems.push(`loads ${request.url()}`);
    });
    await page.goto(server.url);
    await page.waitForSelector('html[data-ready]');
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await place[Symbol.asyncDispose]();
  });

  test('says what is served', async () => {
    expect(await page.title()).toBe('colours · Headstart');
    expect(await page.locator('h1').textContent()).toBe('colours');
    expect(await page.locator('#facts').textContent()).toContain('blue, green, red');
    expect(await page.locator('#untrained').isVisible()).toBe(false);
  });

  test('labels images that are chosen, the most probable class first', async () => {
    await page.setInputFiles('#files', [picture('red', 1), picture('green', 2)]);
    await expectText('.answer', ['red', 'green']);
    const first = page.locator('.result').first();
    expect(await first.locator('.rank').count()).toBe(3);
    expect(await first.locator('.rank .name').first().textContent()).toBe('red');
    const widths = await first
      .locator('.fill')
      .evaluateAll((bars) =>
        bars.map((bar) => Number.parseFloat((bar as HTMLElement).style.width)),
      );
    expect(widths).toEqual([...widths].sort((a, b) => b - a));
    expect(await page.locator('#live').textContent()).toContain('red-001.png: red');
  });

  test('shows where a class was found, and takes the heat map away again', async () => {
    const rank = page.locator('.result').first().locator('.rank').first();
    await rank.focus();
    await page.keyboard.press('Enter');
    await page.waitForSelector('.result .over-map');
    expect(await rank.getAttribute('aria-pressed')).toBe('true');
    const size = await page
      .locator('.over-map')
      .evaluate((image) =>
        (image as HTMLImageElement).decode().then(() => (image as HTMLImageElement).naturalWidth),
      );
    expect(size).toBeGreaterThan(10);
    await page.keyboard.press('Enter');
    expect(await page.locator('.over-map').count()).toBe(0);
  });

  test('takes what is dropped and pasted, and says what it cannot read', async () => {
    for (const [kind, name] of [
      ['drop', 'dropped.png'],
      ['paste', 'pasted.png'],
    ] as const) {
      const bytes = (await readFile(picture('blue', 1))).toString('base64');
      await page.evaluate(sendFile, { kind, name, bytes });
      await page.waitForFunction(
        (file) => document.querySelector('#live')?.textContent?.startsWith(`${file}: blue`),
        name,
      );
    }
    const broken = { kind: 'drop', name: 'broken.png', bytes: btoa('no picture') } as const;
    await page.evaluate(sendFile, broken);
    await page.waitForSelector('.result .error');
    expect(await page.locator('.result .error').textContent()).toContain('not an image format');
    // The browser itself reports the answer's status.
    problems.splice(0, problems.length, ...problems.filter((text) => !text.includes('415')));
  });

  test('takes a picture with the camera', async () => {
    const before = await page.locator('.result').count();
    await page.click('#camera');
    await page.waitForFunction(
      () => (document.querySelector('#camera-picture') as HTMLVideoElement).videoWidth > 0,
    );
    await page.click('#shoot');
    await page.waitForFunction(
      (count) => document.querySelectorAll('.result').length > count,
      before,
    );
    await page.waitForSelector('.result:first-child .answer');
    expect(await page.locator('.result .file').first().textContent()).toMatch(/^camera-.*\.jpg$/);
    expect(await page.locator('#camera-dialog').isVisible()).toBe(false);
  });

  test('adds an image to the training images', async () => {
    await page.click('#clear');
    const bytes = Buffer.concat([await readFile(picture('green', 1)), Buffer.from('new')]);
    await page.setInputFiles('#files', { name: 'new.png', mimeType: 'image/png', buffer: bytes });
    await page.waitForSelector('.teach select');
    await page.selectOption('.teach select', 'green');
    await page.click('.teach button');
    await page.waitForSelector('.result .done');
    const added = (await readdir(at('data/train/green'))).filter((name) => /^added-/.test(name));
    expect(added).toHaveLength(1);
    expect(await page.locator('#train-lead').textContent()).toContain('1 added image');
  });

  test('corrects a label and trains the head again, with live curves', async () => {
    const mistake = page.locator('.mistake');
    expect(await mistake.count()).toBe(1);
    expect(await mistake.textContent()).toContain('validation/red/wrong.png');
    // Pictures are loaded when they come into view.
    await mistake.scrollIntoViewIfNeeded();
    await mistake.locator('img').evaluate((image) => (image as HTMLImageElement).decode());
    expect(await mistake.locator('select').inputValue()).toBe('blue');
    await mistake.getByRole('button', { name: 'Correct' }).click();
    await page.waitForSelector('.mistake.corrected');
    expect(await readFile(at('runs/colours/corrections.csv'), 'utf8')).toContain(
      'validation/red/wrong.png,relabel,blue',
    );
    expect(await page.locator('#train-lead').textContent()).toContain('1 correction');

    const again = page.waitForResponse((answer) => answer.url().includes('/predict'));
    await page.click('#start');
    await page.waitForFunction(() =>
      document.querySelector('#train-status')?.textContent?.includes('colours-2 is served now'),
    );
    expect(await page.locator('.chart .line.validation').count()).toBe(2);
    const points = await page.locator('#loss-chart .line.validation').getAttribute('points');
    expect(points?.split(' ')).toHaveLength(40);
    await page.waitForFunction(() => document.title.startsWith('colours-2'));
    await page.waitForFunction(() =>
      document.querySelector('#mistakes-lead')?.textContent?.startsWith('None'),
    );
    expect(await page.locator('.mistake').count()).toBe(0);
    // What is on the page is labelled again, by the new run.
    expect(await (await again).json()).toMatchObject({ run: 'colours-2' });
    await expectText('.answer', ['green']);
  });

  test('fits a phone, follows the colours asked for, and can be used by keyboard alone', async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow).toBe(0);
    const back = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await page.emulateMedia({ colorScheme: 'light' });
    const light = await back();
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await back()).not.toBe(light);
    await page.emulateMedia({ reducedMotion: 'reduce' });
    const moves = await page
      .locator('.fill')
      .first()
      .evaluate((bar) => getComputedStyle(bar).transitionDuration);
    expect(moves).toBe('0s');

    await page.reload();
    await page.waitForSelector('html[data-ready]');
    // While the run is being written, there is nothing to start.
    await page.waitForSelector('#start:enabled');
    const reached = new Set<string>();
    for (let i = 0; i < 12; i++) {
      await page.keyboard.press('Tab');
      reached.add(await page.evaluate(() => document.activeElement?.id ?? ''));
    }
    for (const id of ['choose', 'camera', 'start']) expect(reached).toContain(id);
    const outline = await page.locator('#start').evaluate((button) => {
      (button as HTMLElement).focus();
      return getComputedStyle(button).outlineStyle;
    });
    expect(outline).toBe('solid');
  });

  test('has names for all its controls, and colours that can be told apart', async () => {
    await page.setInputFiles('#files', picture('red', 2));
    await page.waitForSelector('.answer');
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await page.evaluate(faintTexts), colorScheme).toEqual([]);
    }
    expect(await page.evaluate(namelessControls)).toEqual([]);
  });

  test('breaks no rule of its own policy and loads nothing from elsewhere', () => {
    expect(problems).toEqual([]);
    expect(server.failures).toEqual([]);
  });

  /** The first words of elements, once those are there; a wait in vain ends with what is there. */
  async function expectText(selector: string, starts: readonly string[]) {
    const texts = () =>
      page.evaluate(
        (where) =>
          [...document.querySelectorAll(where)].map((each) => each.textContent?.split(' ')[0]),
        selector,
      );
    await expect.poll(texts, { timeout: 60_000 }).toEqual(starts);
    await page.waitForSelector('[aria-busy]', { state: 'detached' });
  }
});

/** Runs in the page: drops or pastes a file, as a person would. */
function sendFile({ kind, name, bytes }: { kind: 'drop' | 'paste'; name: string; bytes: string }) {
  const transfer = new DataTransfer();
  const content = Uint8Array.from(atob(bytes), (character) => character.charCodeAt(0));
  transfer.items.add(new File([content], name, { type: 'image/png' }));
  const options = { bubbles: true, cancelable: true };
  const event =
    kind === 'drop'
      ? new DragEvent('drop', { ...options, dataTransfer: transfer })
      : new ClipboardEvent('paste', { ...options, clipboardData: transfer });
  document.querySelector('#drop')?.dispatchEvent(event);
}

/** Runs in the page: texts whose contrast is below WCAG's AA (4.5 to 1). */
function faintTexts(): string[] {
  const parse = (colour: string) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const light = (colour: string) =>
    parse(colour)
      .slice(0, 3)
      .map((value) => value / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
      .reduce((sum, value, i) => sum + value * ([0.2126, 0.7152, 0.0722][i] as number), 0);
  const backOf = (element: Element | null): string => {
    if (!element) return 'rgb(255, 255, 255)';
    const colour = getComputedStyle(element).backgroundColor;
    return parse(colour)[3] === 0 ? backOf(element.parentElement) : colour;
  };
  return [...document.querySelectorAll('main *, header *, footer *')]
    .filter((element) => element instanceof HTMLElement && element.offsetParent !== null)
    .filter((element) =>
      [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim()),
    )
    .filter((element) => !(element as HTMLButtonElement).disabled)
    .filter((element) => {
      const [a, b] = [light(getComputedStyle(element).color), light(backOf(element))];
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
    })
    .map(
      (element) => `${element.tagName} ${element.className} ${element.textContent?.slice(0, 30)}`,
    );
}

/** Runs in the page: buttons, choices and pictures without a name. */
function namelessControls(): string[] {
  return [...document.querySelectorAll('button, select, img, input:not([hidden])')]
    .filter((element) => {
      if (element instanceof HTMLImageElement) return !element.hasAttribute('alt');
      const labels = (element as HTMLSelectElement).labels?.length ?? 0;
      const text = element instanceof HTMLButtonElement ? element.textContent?.trim() : '';
      return labels === 0 && !text && !element.hasAttribute('aria-label');
    })
    .map((element) => element.outerHTML.slice(0, 80));
}
