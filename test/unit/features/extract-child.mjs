// Extracts features with a slow backbone that is a pure function, and prints how many are on disk.
// Arguments: cache folder, JSON file with samples, milliseconds a batch.
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { extractFeatures, openFeatureCache } from '#core/features';

const [dir, samplesFile, delay] = process.argv.slice(2);
const samples = JSON.parse(readFileSync(samplesFile, 'utf8'));
const cache = await openFeatureCache({ dir });
const backbone = {
  info: {
    path: '/models/bytes.onnx',
    sha256: 'f'.repeat(64),
    name: 'bytes',
    untrained: false,
    preprocessing: 'none',
    precision: 'float32',
    input: { height: 4, width: 4, layout: 'NHWC', dtype: 'uint8' },
    featureShape: [6],
    provider: 'cpu',
    device: 'CPU',
  },
  run: async (images, count) => {
    await setTimeout(Number(delay));
    return Float32Array.from(
      { length: count * 6 },
      (_, i) => images[Math.floor(i / 6) * 48 + (i % 6)],
    );
  },
};
const { computed, reused } = await extractFeatures({
  samples: samples.map((sample) => ({ sample, views: [undefined] })),
  backbone,
  cache,
  dtype: 'float32',
  batchSize: 4,
  onProgress: ({ done }) => process.stdout.write(`${done}\n`),
});
await cache.close();
process.stdout.write(`computed ${computed} reused ${reused}\n`);
