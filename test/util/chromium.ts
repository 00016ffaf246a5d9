import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const path = '/usr/bin/chromium';

/** The system's Chromium; undefined, with the reason printed, where there is none. */
export function chromiumPath(): string | undefined {
  if (existsSync(path)) return path;
  console.log(`skipped: there is no ${path}`);
  return undefined;
}

/** A headless browser that asks nothing of the network on its own. */
export function startChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
    ],
  });
}
