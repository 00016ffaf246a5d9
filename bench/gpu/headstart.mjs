// Microseconds a training step of the original head takes here on the GPU: prints one JSON document.
//
//   node bench/gpu/headstart.mjs fp32|tf32|bf16 [heads]
import { readFileSync } from 'node:fs';
import { backends, FeatureStore, Trainer, uniforms } from '../../packages/native/dist/index.js';
import { convHead } from '../conv-head.mjs';

const [compute, heads = '1'] = process.argv.slice(2);
const setting = JSON.parse(readFileSync(new URL('setting.json', import.meta.url), 'utf8'));
const { samples, shape, classes, batchSize, epochs } = setting;
const size = shape.reduce((a, b) => a * b, 1);
const store = new FeatureStore({ shape, capacity: samples, dtype: 'bfloat16', device: 'cuda' });
for (let i = 0; i < samples; i++) {
  // As a ReLU leaves them, half are zero.
  const values = uniforms({ seed: 1, domain: 7, counter: [i, 0, 0] }, size);
  store.append(Float32Array.from(values, (value) => Math.max(0, value - 0.5)));
}
const rows = Int32Array.from({ length: samples }, (_, i) => i);
const batches = Array.from({ length: Number(heads) }, () => ({
  rows,
  labels: rows.map((i) => i % classes),
}));
const trainer = new Trainer({
  inputShape: shape,
  classes,
  layers: convHead(classes),
  heads: batches.map((_, seed) => ({ seed, learningRate: 1e-3 })),
  backend: 'cuda',
  compute,
});
const times = [];
for (let epoch = 0; epoch < epochs; epoch++) {
  const started = performance.now();
  await trainer.trainSteps({ store, batches, batchSize });
  times.push((1000 * (performance.now() - started)) / (samples / batchSize));
}
const { description } = backends().find(({ name }) => name === 'cuda');
console.log(
  JSON.stringify({
    what: `Headstart ${compute}, ${heads} ${heads === '1' ? 'head' : 'heads'} (${description})`,
    // The first records the graph.
    times: times.slice(1),
  }),
);
