// Images a second that `headstart predict` labels, beside those that `headstart features` computes
// features of: the same JPEG files, each as a process of its own, in turn.
//
//   node bench/predict/run.mjs FOLDER [BACKBONE] [PRECISION] [rounds] [images]
//
// FOLDER has one folder a class, or train and test folders, of JPEG photographs; BACKBONE is
// vgg16-untrained (default), which costs what VGG16 costs, or FILE.onnx; PRECISION is fp32 or int8.
// Both begin with nothing but the files: no feature is in the cache, and predict has no cache.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { modelsDir } from '../extract/models-dir.mjs';

const [folder, named = 'vgg16-untrained', precision = 'fp32', rounds = '3', count = '1000'] =
  process.argv.slice(2);
// Commands run in a folder of their own.
const backbone = named.endsWith('.onnx') ? resolve(named) : named;
if (!folder) {
  console.error('error: give a folder of images.');
  process.exit(2);
}
const images = Number(count);
const program = fileURLToPath(new URL('../../packages/cli/bin/headstart.js', import.meta.url));
const place = await mkdtemp(join(tmpdir(), 'headstart-bench-'));

async function headstart(...args) {
  const began = performance.now();
  const all = [program, ...args, '--device', 'cpu', '--models-dir', modelsDir, '--quiet'];
  const { stdout } = await promisify(execFile)(process.execPath, all, {
    cwd: place,
    maxBuffer: 2 ** 28,
  });
  return { stdout, seconds: (performance.now() - began) / 1000 };
}

/** As many files as are wanted, all different: of too few photographs, mirrored ones too. */
async function writeFiles() {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const sources = entries
    .filter((entry) => entry.isFile() && /\.jpe?g$/i.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  if (sources.length * 2 < images) throw new Error(`${folder} has only ${sources.length} JPEGs`);
  for (const name of ['a', 'b']) await mkdir(join(place, 'data', name), { recursive: true });
  for (let i = 0; i < images; i++) {
    const picture = sharp(sources[i % sources.length]);
    if (i >= sources.length) picture.flop();
    const file = `${String(i).padStart(4, '0')}.jpg`;
    await picture.jpeg({ quality: 90 }).toFile(join(place, 'data', i % 2 === 0 ? 'a' : 'b', file));
  }
}

const features = async (cache) => {
  const args = ['--backbone', backbone, '--precision', precision, '--no-augment'];
  const { stdout, seconds } = await headstart(
    ...['features', 'data', ...args, '--cache-dir', cache, '--json'],
  );
  const { computed } = JSON.parse(stdout);
  if (computed !== images) throw new Error(`${computed} of ${images} images were computed`);
  return images / seconds;
};

const predict = async () => {
  const { stdout, seconds } = await headstart('predict', 'run', 'data', '--format', 'jsonl');
  const rows = stdout.trim().split('\n');
  if (rows.length !== images) throw new Error(`${rows.length} of ${images} images were labelled`);
  return images / seconds;
};

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
try {
  await writeFiles();
  const args = ['--backbone', backbone, '--precision', precision, '--no-augment', '--epochs', '1'];
  await headstart('train', 'data', ...args, '--cache-dir', 'cache', '--out', 'run');
  const rates = { features: [], predict: [], ratio: [] };
  for (let round = 0; round < Number(rounds); round++) {
    const [computed, labelled] = [await features(`cache-${round}`), await predict()];
    rates.features.push(computed);
    rates.predict.push(labelled);
    rates.ratio.push(labelled / computed);
    await rm(join(place, `cache-${round}`), { recursive: true });
  }
  console.log(`\n**${images} JPEG files, ${backbone}, ${precision}** (${cpus()[0]?.model})\n`);
  console.log('| images a second | median | best |\n|---|---|---|');
  for (const name of ['features', 'predict']) {
    const [middle, best] = [median(rates[name]), Math.max(...rates[name])];
    console.log(`| headstart ${name} | ${middle.toFixed(1)} | ${best.toFixed(1)} |`);
  }
  const each = rates.ratio.map((ratio) => ratio.toFixed(2)).join(', ');
  console.log(`\npredict is ${median(rates.ratio).toFixed(2)} of features (by round: ${each}).`);
} finally {
  await rm(place, { recursive: true, force: true });
}
