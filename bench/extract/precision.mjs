// What int8 costs in accuracy: features and trained heads in both precisions.
//
//   node bench/extract/precision.mjs FOLDER BACKBONE [BACKBONE …]
//
// FOLDER has one folder a class, or train and test folders; a BACKBONE is vgg16, vgg16-untrained or
// an ONNX file. Five seeds, linear heads on plain images.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { precomputeFeatures } from '../../packages/core/dist/features/index.js';
import { train } from '../../packages/core/dist/train/index.js';
import { modelsDir } from './models-dir.mjs';

const [data, ...backbones] = process.argv.slice(2);
if (!data || backbones.length === 0) {
  console.error('error: give a folder of images and at least one backbone.');
  process.exit(2);
}
const seeds = [0, 1, 2, 3, 4];
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const place = await mkdtemp(join(tmpdir(), 'headstart-bench-'));
const common = { data, modelsDir, cacheDir: join(place, 'cache'), device: 'cpu' };

async function accuracies(backbone, precision) {
  const found = [];
  for (const seed of seeds) {
    const out = join(place, `${basename(backbone)}-${precision}-${seed}`);
    const { validation } = await train({
      ...common,
      backbone,
      precision,
      seed,
      out,
      head: 'linear',
      learningRate: 1e-3,
      earlyStopping: { enabled: true, monitor: 'val_accuracy', minDelta: 1e-4, patience: 5 },
    });
    found.push(validation.accuracy);
  }
  return found;
}

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
console.log(
  '| backbone | feature error, median (largest) | accuracy fp32 | int8 | difference, by seed |',
);
console.log('|---|---|---|---|---|');
try {
  for (const backbone of backbones) {
    const { featureError: error } = await precomputeFeatures({
      ...common,
      backbone,
      precision: 'int8',
    });
    const exact = await accuracies(backbone, 'fp32');
    const rounded = await accuracies(backbone, 'int8');
    const differences = rounded.map((value, i) => percent(value - exact[i])).join(', ');
    console.log(
      `| ${basename(backbone, '.onnx')} | ${percent(error.median)} (${percent(error.largest)}) ` +
        `| ${percent(mean(exact))} | ${percent(mean(rounded))} | ${differences} |`,
    );
  }
} finally {
  await rm(place, { recursive: true });
}
