// Images a second that `headstart features` computes from a folder: prints one JSON document.
//
//   node bench/extract/features.mjs FOLDER fp32|int8
//
// With vgg16-untrained, which costs what VGG16 costs. The int8 backbone is made before.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { precomputeFeatures } from '../../packages/core/dist/features/index.js';
import { modelsDir } from './models-dir.mjs';

const [data, precision] = process.argv.slice(2);
const backbone = 'vgg16-untrained';
const cacheDir = await mkdtemp(join(tmpdir(), 'headstart-bench-'));
try {
  const result = await precomputeFeatures({
    data,
    backbone,
    precision,
    modelsDir,
    cacheDir,
    device: 'cpu',
  });
  console.log(
    JSON.stringify({
      what: `Headstart features, ${precision}, from JPEG files`,
      rate: result.computed / result.seconds,
      images: result.computed,
      featureError: result.featureError,
      peakMegabytes: process.resourceUsage().maxRSS / 1024,
    }),
  );
} finally {
  await rm(cacheDir, { recursive: true });
}
