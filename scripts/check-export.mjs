// Compares an exported run with `headstart predict`: in Python's ONNX Runtime and in a browser, by
// the programs in examples/, on 50 images.
//
//   node scripts/check-export.mjs RUN FOLDER [PYTHON]
//
// FOLDER has images in it, of any size: they are brought to the model's size and written as PNG
// first, so that all three see the same pixels (each scales in its own way). PYTHON is an interpreter
// with onnxruntime and Pillow (default: HEADSTART_PYTHON, or python3). Prints one JSON document; what
// is not here is said in it. Ends with 1 where labels differ, or probabilities by more than 1e-4.
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { openChromium } from './chromium.mjs';

const [run, folder, python = process.env.HEADSTART_PYTHON ?? 'python3'] = process.argv.slice(2);
if (!folder) {
  console.error('error: give a run and a folder of images.');
  process.exit(2);
}
const images = 50;
const tolerance = 1e-4;
const pathOf = (relative) => fileURLToPath(new URL(`../${relative}`, import.meta.url));
const call = (program, args) =>
  promisify(execFile)(program, args, { maxBuffer: 2 ** 28, encoding: 'utf8' });
const headstart = (...args) =>
  call(process.execPath, [pathOf('packages/cli/bin/headstart.js'), ...args, '--quiet']);
const linesOf = ({ stdout }) => stdout.trim().split('\n').map(JSON.parse);

/** Images of all folders, in turn: an equal share of each class where folders are classes. */
async function someImages() {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const byFolder = new Map();
  for (const entry of entries) {
    if (!entry.isFile() || !/\.(jpe?g|png|webp)$/i.test(entry.name)) continue;
    const list = byFolder.get(entry.parentPath) ?? [];
    byFolder.set(entry.parentPath, [...list, join(entry.parentPath, entry.name)]);
  }
  const lists = [...byFolder.values()].map((list) => list.sort());
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: longest }, (_, i) => lists.flatMap((list) => list[i] ?? []))
    .flat()
    .slice(0, images);
}

async function writePictures(place) {
  const { image } = JSON.parse(await readFile(join(run, 'run.json'), 'utf8'));
  const files = [];
  for (const [i, path] of (await someImages()).entries()) {
    const file = join(place, `${String(i).padStart(2, '0')}.png`);
    await sharp(path)
      .autoOrient()
      .flatten({ background: 'white' })
      .toColourspace('srgb')
      .resize(image.width, image.height, { fit: 'fill' })
      .png()
      .toFile(file);
    files.push(file);
  }
  return files;
}

async function inPython(model, files) {
  try {
    await call(python, ['-c', 'import numpy, onnxruntime, PIL']);
  } catch {
    return { skipped: `${python} has no onnxruntime, numpy and Pillow` };
  }
  return linesOf(await call(python, [pathOf('examples/python/predict.py'), model, ...files]));
}

async function inBrowser(exported, files) {
  const browser = await openChromium();
  if (!browser) return { skipped: 'there is no Chromium here (HEADSTART_CHROMIUM names one)' };
  const server = spawn(process.execPath, [pathOf('examples/browser/serve.mjs'), exported, '0']);
  try {
    const url = await new Promise((resolve, reject) => {
      server.stdout.once('data', (text) => resolve(String(text).trim()));
      server.once('exit', () => reject(new Error('the server ended')));
    });
    const page = await browser.newPage();
    await page.goto(url);
    // The page itself is tried with one image, as its user would.
    await page.locator('#file:enabled').setInputFiles(files[0]);
    await page.locator('#result:visible').waitFor();
    const shown = await page.locator('#status').textContent();
    const bytes = await Promise.all(files.map((file) => readFile(file, 'base64')));
    const rows = await page.evaluate(async (pictures) => {
      const { loadClassifier } = await import('./classify.mjs');
      const classify = await loadClassifier(new URL('model/', document.baseURI).href);
      const all = [];
      for (const picture of pictures) {
        const response = await fetch(`data:image/png;base64,${picture}`);
        all.push(await classify(await response.blob()));
      }
      return all;
    }, bytes);
    if (shown !== rows[0].label) throw new Error(`the page shows ${shown}, not ${rows[0].label}`);
    return rows;
  } finally {
    server.kill();
    await browser.close();
  }
}

function compare(rows, expected) {
  if ('skipped' in rows) return rows;
  let [same, largest] = [0, 0];
  for (const [i, { label, probabilities }] of rows.entries()) {
    if (label === expected[i].label) same++;
    for (const [name, value] of Object.entries(expected[i].probabilities)) {
      const difference = Math.abs(probabilities[name] - value);
      if (!(difference <= largest)) largest = difference;
    }
  }
  return { images: rows.length, same_labels: same, largest_difference: largest };
}

const isWrong = ({ skipped, images: count, same_labels: same, largest_difference: largest }) =>
  skipped === undefined && !(count > 0 && same === count && largest <= tolerance);

const place = await mkdtemp(join(tmpdir(), 'headstart-export-'));
try {
  const exported = join(place, 'model');
  await headstart('export', run, '--out', exported);
  const files = await writePictures(place);
  const args = ['--probabilities', 'all', '--format', 'jsonl', '--device', 'cpu'];
  const expected = linesOf(await headstart('predict', run, ...files, ...args));
  const results = {
    python: compare(await inPython(join(exported, 'model.onnx'), files), expected),
    browser: compare(await inBrowser(exported, files), expected),
  };
  console.log(JSON.stringify(results, null, 2));
  if (Object.values(results).some(isWrong)) process.exitCode = 1;
} finally {
  await rm(place, { recursive: true, force: true });
}
