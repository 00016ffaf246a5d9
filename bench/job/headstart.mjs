// Headstart on the same job as its peers: prints one JSON document.
//
//   node headstart.mjs FOLDER MODELS CACHE plain|views
//
// plain: features of the plain images, as the peers with cached features; views: four augmented
// views an image, which is the default.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { train } from '../../packages/core/dist/train/index.js';

const [data, modelsDir, cacheDir, kind] = process.argv.slice(2);
const read = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
const { stepsPerEpoch, validationSteps, batchSize, epochs, minDelta, patience, shift } =
  read('setting.json');
const augment = { flip: true, widthShift: shift, heightShift: shift };
const out = mkdtempSync(join(tmpdir(), 'headstart-bench-run-'));
const epochSeconds = [];
try {
  const summary = await train({
    data,
    backbone: 'vgg16',
    modelsDir,
    cacheDir,
    out: join(out, 'run'),
    ...(kind === 'views' ? { augment, views: 4 } : { augment: undefined }),
    stepsPerEpoch,
    validationSteps,
    batchSize,
    epochs,
    earlyStopping: { monitor: 'val_accuracy', minDelta, patience },
    // As the peers, whose last weights are their model.
    restoreBest: false,
    // The peers do not cross-validate.
    folds: false,
    device: 'cpu',
    onEpoch: ({ seconds }) => epochSeconds.push(seconds),
  });
  const seconds = Date.now() / 1000 - Number(process.env.BENCH_STARTED);
  const { computed } = summary.features;
  const { version } = read('../../packages/core/package.json');
  const what = kind === 'views' ? 'Headstart, 4 augmented views' : 'Headstart, cached features';
  console.log(
    JSON.stringify({
      what,
      versions: { headstart: version, node: process.versions.node },
      firstModelSeconds: seconds,
      epochSeconds,
      imagesPerSecond: computed > 0 ? computed / summary.timing.featuresSeconds : null,
      peakMegabytes: process.resourceUsage().maxRSS / 1024,
      accuracy: summary.validation.accuracy,
    }),
  );
} finally {
  rmSync(out, { recursive: true, force: true });
}
