// Takes the README's pictures of a run's report and of serve's page, with Chromium:
//
//   node scripts/write-screenshots.mjs RUN IMAGE [FOLDER]
//
// RUN is a finished run, IMAGE one that it has not seen; FOLDER is docs/pictures by default. Build first.
import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { openChromium } from './chromium.mjs';

const pathOf = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));
const [run, image, folder = pathOf('docs/pictures')] = process.argv.slice(2);
if (!image) {
  console.error('error: give a run and an image.');
  process.exit(2);
}
const browser = await openChromium();
if (!browser) {
  console.error('error: Chromium is not here; HEADSTART_CHROMIUM names one.');
  process.exit(1);
}

/** The address that `serve` prints once it listens. */
function startServer() {
  const cli = pathOf('packages/cli/bin/headstart.js');
  const server = spawn(process.execPath, [cli, 'serve', run, '--port', '0', '--device', 'cpu']);
  const url = new Promise((found, failed) => {
    let text = '';
    const read = (chunk) => {
      text += chunk;
      const address = /http:\/\/[\w.:]+/.exec(text)?.[0];
      if (address) found(address);
    };
    server.stdout.on('data', read);
    server.stderr.on('data', read);
    server.once('exit', () => failed(new Error(`serve ended: ${text}`)));
  });
  return { server, url };
}

await mkdir(folder, { recursive: true });
const { server, url } = startServer();
try {
  const page = await browser.newPage({ viewport: { width: 1000, height: 700 } });
  await page.goto(pathToFileURL(resolve(run, 'report.html')).href);
  await page.screenshot({ path: join(folder, 'report.png') });
  await page.goto(await url);
  await page.waitForSelector('html[data-ready]');
  await page.setInputFiles('#files', image);
  await page.locator('.result .rank').first().waitFor();
  await page.locator('#try').scrollIntoViewIfNeeded();
  await page.screenshot({ path: join(folder, 'serve.png') });
} finally {
  server.kill();
  await browser.close();
}
console.log(`Written: ${join(folder, 'report.png')}, ${join(folder, 'serve.png')}`);
