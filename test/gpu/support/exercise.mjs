// Trains, evaluates and predicts with every kernel there is, in little time: for tools that watch
// the device, such as compute-sanitizer.
import { FeatureStore, Trainer, uniforms } from '@headstart/native';

const [shape, samples, classes] = [[5, 7, 34], 21, 3];
const floats = Float32Array.from(uniforms({ seed: 1, domain: 7 }, samples * 5 * 7 * 34));
const rows = Int32Array.from({ length: samples }, (_, i) => i);
const labels = rows.map((row) => row % classes);
const layers = [
  { type: 'conv2d', name: 'a', filters: 33, kernelSize: 3, activation: 'relu' },
  { type: 'max_pool2d' },
  { type: 'dropout', rate: 0.25 },
  { type: 'conv2d', name: 'b', filters: 40, kernelSize: 1, activation: 'relu' },
  { type: 'global_average_pool2d' },
  { type: 'dense', name: 'c', units: classes },
];
const heads = [
  { seed: 0, learningRate: 1e-3 },
  { seed: 1, learningRate: 1e-3, optimizer: { type: 'sgd', momentum: 0.9 }, l2: 1e-3 },
  { seed: 2, learningRate: 1e-3, optimizer: { type: 'rmsprop' }, labelSmoothing: 0.1 },
];
for (const compute of ['fp32', 'tf32', 'bf16']) {
  for (const dtype of ['float32', 'float16', 'bfloat16']) {
    for (const device of ['cpu', 'cuda']) {
      const store = new FeatureStore({ shape, capacity: samples, dtype, device });
      // As float16, small numbers; their values do not matter.
      store.append(dtype === 'float16' ? Uint16Array.from(floats, (x) => x * 0x3c00) : floats);
      const trainer = new Trainer({
        inputShape: shape,
        layers,
        classes,
        heads,
        compute,
        backend: 'cuda',
      });
      const batches = heads.map((_, i) => ({ rows: rows.slice(i), labels: labels.slice(i) }));
      await trainer.trainSteps({ store, batches, batchSize: 8 });
      await trainer.evaluateHeads({ store, batches, batchSize: 8 });
      await trainer.predict({ store, rows });
      await trainer.gradients({ store, rows, labels, dropout: true });
      trainer.dispose();
      store.dispose();
    }
  }
}
console.log('done');
