// Milliseconds a training step of the original head takes here: prints one JSON document.
import { backends, FeatureStore, Trainer } from '../../packages/native/dist/index.js';
import { batchSize, epochs, samples, shape, threads } from './setting.mjs';

const size = shape.reduce((a, b) => a * b, 1);
const features = Float32Array.from({ length: samples * size }, () => Math.random());
const rows = Int32Array.from({ length: samples }, (_, i) => i);
const labels = rows.map((i) => i % 5);
const store = new FeatureStore({ shape, capacity: samples, dtype: 'float32' });
store.append(features);
const trainer = new Trainer({
  inputShape: shape,
  classes: 5,
  threads,
  heads: [{ seed: 0, learningRate: 1e-3 }],
  layers: [
    { type: 'conv2d', name: 'conv2d', filters: 32, kernelSize: 3, activation: 'relu' },
    { type: 'max_pool2d' },
    { type: 'dropout', rate: 0.25 },
    { type: 'conv2d', name: 'conv2d_1', filters: 64, kernelSize: 3, activation: 'relu' },
    { type: 'max_pool2d' },
    { type: 'flatten' },
    { type: 'dense', name: 'dense', units: 128, activation: 'relu' },
    { type: 'dense', name: 'dense_1', units: 5 },
  ],
});
const times = [];
for (let epoch = 0; epoch < epochs; epoch++) {
  const started = performance.now();
  await trainer.trainSteps({ store, batches: [{ rows, labels }], batchSize });
  times.push((performance.now() - started) / (samples / batchSize));
}
const { description } = backends().find(({ name }) => name === 'cpu');
console.log(JSON.stringify({ what: `Headstart (${description})`, times: times.slice(1) }));
trainer.dispose();
store.dispose();
