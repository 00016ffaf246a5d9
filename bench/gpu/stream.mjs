// Streams features, made as they go, into the GPU's memory and trains one epoch on them:
//
//   node bench/gpu/stream.mjs [samples]     default 1000000: 50 GB in float16
import { FeatureStore, Trainer, uniforms } from '../../packages/native/dist/index.js';
import { convHead } from '../conv-head.mjs';

const samples = Number(process.argv[2] ?? 1_000_000);
const [shape, size, classes, rowsAtOnce] = [[7, 7, 512], 25_088, 5, 256];
const memory = () => process.memoryUsage().rss / 2 ** 20;
const seconds = (started) => (performance.now() - started) / 1000;

const store = new FeatureStore({ shape, capacity: samples, dtype: 'float16', device: 'cuda' });
// The bits of float16 numbers below 1. A row's class is which 16 channels are brighter.
const noise = Uint16Array.from(uniforms({ seed: 1, domain: 7 }, rowsAtOnce * size), (value) =>
  Math.floor(value * 0x3c00),
);
const labels = new Int32Array(samples);
const before = memory();
const chunk = new Uint16Array(rowsAtOnce * size);
let started = performance.now();
let peak = before;
for (let begin = 0; begin < samples; begin += rowsAtOnce) {
  const rows = Math.min(rowsAtOnce, samples - begin);
  chunk.set(noise.subarray(0, rows * size));
  for (let i = 0; i < rows; i++) {
    const label = (begin + i) % classes;
    labels[begin + i] = label;
    for (let pixel = 0; pixel < 49; pixel++) {
      const first = i * size + pixel * 512 + 16 * label;
      chunk.fill(0x3e00, first, first + 16);
    }
  }
  store.append(chunk.subarray(0, rows * size));
  peak = Math.max(peak, memory());
}
const gigabytes = store.byteLength / 1e9;
console.log(
  `${samples} samples, ${gigabytes.toFixed(1)} GB in ${seconds(started).toFixed(1)} s; the process ` +
    `grew by ${(peak - before).toFixed(0)} MiB`,
);

const trainer = new Trainer({
  inputShape: shape,
  classes,
  layers: convHead(classes),
  heads: [{ seed: 0, learningRate: 1e-4 }],
  backend: 'cuda',
});
// Every sample once, in an order that jumps through the store.
const stride = 7919;
const rows = Int32Array.from({ length: samples }, (_, i) =>
  Number((BigInt(i) * BigInt(stride)) % BigInt(samples)),
);
started = performance.now();
const [{ loss, accuracy, steps }] = await trainer.trainSteps({
  store,
  batches: [{ rows, labels: rows.map((row) => labels[row]) }],
  batchSize: 32,
});
const took = seconds(started);
console.log(
  `one epoch: ${steps} steps in ${took.toFixed(1)} s (${((took * 1e6) / steps).toFixed(0)} µs each), ` +
    `loss ${loss.toFixed(4)}, accuracy ${accuracy.toFixed(4)}; the process has ${memory().toFixed(0)} MiB`,
);
// Some thousand steps are needed to learn it.
if (steps > 5000 && !(accuracy > 0.9)) {
  console.error('error: the head did not learn.');
  process.exitCode = 1;
}
