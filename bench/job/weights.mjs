// VGG16 with random weights (He uniform, zero biases) as a weights file of Keras, so that all
// contestants compute the same network: VGG16's own weights are not part of this repository, and
// random ones cost the same.
import { existsSync, renameSync } from 'node:fs';
import h5wasm from 'h5wasm/node';

const convolutions = [
  [64, 64],
  [128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [512, 512, 512],
];

/** Numbers in [0, 1) of mulberry32 by Tommy Ettinger (public domain). */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function write(path) {
  const file = new h5wasm.File(path, 'w');
  const random = generator(1);
  const names = ['input_1'];
  let inputs = 3;
  for (const [block, layers] of convolutions.entries()) {
    for (const [i, filters] of layers.entries()) {
      const name = `block${block + 1}_conv${i + 1}`;
      const group = file.create_group(name);
      const weights = [`${name}/kernel:0`, `${name}/bias:0`];
      group.create_attribute('weight_names', weights);
      const inner = group.create_group(name);
      const limit = Math.sqrt(6 / (9 * inputs));
      const kernel = new Float32Array(9 * inputs * filters);
      for (let k = 0; k < kernel.length; k++) kernel[k] = (2 * random() - 1) * limit;
      inner.create_dataset({ name: 'kernel:0', data: kernel, shape: [3, 3, inputs, filters] });
      inner.create_dataset({ name: 'bias:0', data: new Float32Array(filters), shape: [filters] });
      names.push(name);
      inputs = filters;
    }
    names.push(`block${block + 1}_pool`);
  }
  for (const name of names) {
    if (!name.includes('conv')) file.create_group(name).create_attribute('weight_names', []);
  }
  file.create_attribute('layer_names', names);
  file.close();
}

/** Writes the file where it is not there yet. */
export async function makeWeights(path) {
  if (existsSync(path)) return;
  await h5wasm.ready;
  write(`${path}.part`);
  renameSync(`${path}.part`, path);
}
