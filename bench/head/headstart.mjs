// Milliseconds a training step takes here, of the setting and arithmetic that are named: prints one
// JSON document.
//
//   node bench/head/headstart.mjs conv|linear fp32|bf16
import { readFileSync } from 'node:fs';
import { backends, FeatureStore, Trainer } from '../../packages/native/dist/index.js';
import { convHead } from '../conv-head.mjs';

const [name, compute] = process.argv.slice(2);
const settings = JSON.parse(readFileSync(new URL('setting.json', import.meta.url), 'utf8'));
const { threads } = settings;
const { samples, shape, classes, batchSize, epochs, heads = 1 } = settings[name];

const layers = {
  conv: convHead(classes),
  linear: [{ type: 'dense', name: 'dense', units: classes }],
}[name];

const size = shape.reduce((a, b) => a * b, 1);
const dtype = compute === 'bf16' ? 'bfloat16' : 'float32';
const store = new FeatureStore({ shape, capacity: samples, dtype });
/** A feature as a ReLU leaves it: half are zero. */
const feature = () =>
  0.1 *
  Math.max(0, Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random()));
const chunk = new Float32Array(size);
for (let i = 0; i < samples; i++) {
  for (let j = 0; j < size; j++) chunk[j] = feature();
  store.append(chunk);
}
const rows = Int32Array.from({ length: samples }, (_, i) => i);
const batches = Array.from({ length: heads }, () => ({
  rows,
  labels: rows.map((i) => i % classes),
}));
const trainer = new Trainer({
  inputShape: shape,
  classes,
  threads,
  compute,
  layers,
  heads: batches.map((_, seed) => ({ seed, learningRate: 1e-3 })),
});
const times = [];
for (let epoch = 0; epoch < epochs; epoch++) {
  const started = performance.now();
  await trainer.trainSteps({ store, batches, batchSize });
  times.push((performance.now() - started) / ((heads * samples) / batchSize));
}
const { description } = backends().find((backend) => backend.name === 'cpu');
console.log(
  JSON.stringify({
    what: `Headstart ${compute} (${description})`,
    times: times.slice(1),
    peakMegabytes: process.resourceUsage().maxRSS / 1024,
    featureMegabytes: store.byteLength / 1024 / 1024,
  }),
);
