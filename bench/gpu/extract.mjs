// Images a second that VGG16 takes on the GPU, from ready tensors and from JPEG files:
//
//   node bench/gpu/extract.mjs [FOLDER]
//
// In float16, in TF32 (what cuDNN makes of float32) and in float32 (each in a process of its own, as
// cuDNN reads the switch when it is loaded). FOLDER has one folder a class of images.
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Backbone, halfBackbone, locateBackbone } from '../../packages/core/dist/backbone/index.js';
import { precomputeFeatures } from '../../packages/core/dist/features/index.js';
import { modelsDir } from '../extract/models-dir.mjs';

/** Multiplications and additions of one image. */
const operations = 30.7e9;
const batch = 64;
const seconds = 5;

async function readyTensors(precision) {
  const exact = await locateBackbone('vgg16-untrained', { modelsDir });
  const file = precision === 'fp16' ? await halfBackbone(exact, { modelsDir }) : exact;
  const backbone = await Backbone.open(file, { device: 'cuda', requireGpu: true });
  const images = new Uint8Array(batch * 224 * 224 * 3).map((_, i) => (i * 7919) % 251);
  for (let i = 0; i < 5; i++) await backbone.run(images, batch);
  const started = performance.now();
  let done = 0;
  let waiting = backbone.run(images, batch);
  while (performance.now() - started < 1000 * seconds) {
    const next = backbone.run(images, batch);
    await waiting;
    waiting = next;
    done += batch;
  }
  const rate = (1000 * done) / (performance.now() - started);
  await waiting;
  await backbone.close();
  return rate;
}

async function fromFiles(data, precision) {
  const cacheDir = await mkdtemp(join(tmpdir(), 'headstart-bench-'));
  const options = { device: 'cuda', requireGpu: true, modelsDir, cacheDir };
  try {
    const result = await precomputeFeatures({
      ...options,
      data,
      backbone: 'vgg16-untrained',
      precision,
    });
    return result.computed / result.seconds;
  } finally {
    await rm(cacheDir, { recursive: true });
  }
}

function fail(error) {
  console.error(`error: ${error.message}`);
  process.exit(1);
}

const [first, second] = process.argv.slice(2);
if (first === '--one') {
  const folder = process.argv[4];
  const precision = second === 'fp16' ? 'fp16' : 'fp32';
  const ready = await readyTensors(precision).catch(fail);
  const files = folder ? await fromFiles(folder, precision).catch(fail) : undefined;
  console.log(JSON.stringify({ ready, files }));
} else {
  console.log('| | images a second, ready tensors | TFLOP/s | from files |\n|---|---|---|---|');
  for (const kind of ['fp32', 'tf32', 'fp16']) {
    const args = [fileURLToPath(import.meta.url), '--one', kind, ...(first ? [first] : [])];
    const env = { ...process.env, NVIDIA_TF32_OVERRIDE: kind === 'fp32' ? '0' : '1' };
    const { status, stdout } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (status !== 0) process.exit(1);
    const { ready, files } = JSON.parse(stdout);
    const rate = ((ready * operations) / 1e12).toFixed(1);
    console.log(`| ${kind} | ${ready.toFixed(0)} | ${rate} | ${files?.toFixed(0) ?? '–'} |`);
  }
}
