// The Chromium of this system, for tests and checks of pages.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const places = [
  process.env.HEADSTART_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];

/** Where Chromium is; undefined where there is none. */
export const chromiumPath = places.find((path) => path && existsSync(path));

/** A browser that asks nothing of the internet; undefined where there is no Chromium. */
export async function openChromium() {
  if (!chromiumPath) return undefined;
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
