import h5wasm from 'h5wasm/node';

/** Numbers in [0, 1) from an integer hash that test/fixtures/scripts/vgg16-features.py has too. */
export function hashedUniforms(stream: number, count: number): Float64Array {
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let h = Math.imul((i + stream * 1000003) >>> 0, 2654435761);
    h ^= h >>> 16;
    h = Math.imul(h, 2246822519);
    h ^= h >>> 13;
    values[i] = (h >>> 0) / 2 ** 32;
  }
  return values;
}

/** [name, inputs, outputs] of VGG16's convolutions, written out once more, for the tests. */
export const vgg16Layers: readonly (readonly [string, number, number])[] = [
  ['block1_conv1', 3, 64],
  ['block1_conv2', 64, 64],
  ['block2_conv1', 64, 128],
  ['block2_conv2', 128, 128],
  ['block3_conv1', 128, 256],
  ['block3_conv2', 256, 256],
  ['block3_conv3', 256, 256],
  ['block4_conv1', 256, 512],
  ['block4_conv2', 512, 512],
  ['block4_conv3', 512, 512],
  ['block5_conv1', 512, 512],
  ['block5_conv2', 512, 512],
  ['block5_conv3', 512, 512],
];

interface Weights {
  readonly kernel: Float32Array;
  readonly bias: Float32Array;
}

const made = new Map<number, Weights>();

/** Kernel (HWIO) and bias of one convolution of VGG16; made once. */
export function formulaWeights(layer: number, inputs: number, outputs: number): Weights {
  const limit = Math.sqrt(6 / (9 * inputs));
  const weights = made.get(layer) ?? {
    kernel: spread(hashedUniforms(2 * layer, 9 * inputs * outputs), limit),
    bias: spread(hashedUniforms(2 * layer + 1, outputs), 0.05),
  };
  made.set(layer, weights);
  return weights;
}

/** From [0, 1) to ±limit. A loop, as `Float32Array.from` takes a microsecond a number. */
function spread(uniforms: Float64Array, limit: number): Float32Array {
  const values = new Float32Array(uniforms.length);
  for (let k = 0; k < values.length; k++) values[k] = (2 * (uniforms[k] as number) - 1) * limit;
  return values;
}

/** The fixture's images, uint8 RGB [4, 224, 224, 3]. */
export function formulaImages(): Uint8Array {
  const size = 224;
  const noise = hashedUniforms(100, 4 * size * size * 3);
  const images = new Uint8Array(noise.length);
  for (let i = 0; i < images.length; i++) {
    const c = i % 3;
    const x = Math.floor(i / 3) % size;
    const y = Math.floor(i / (3 * size)) % size;
    const n = Math.floor(i / (3 * size * size));
    const raw = Math.floor((x * (n + 1) + y * (3 - n) + c * 40) / 2);
    const smooth = ((raw % 256) + 256) % 256;
    images[i] = Math.min(255, smooth * 0.75 + Math.floor((noise[i] as number) * 64));
  }
  return images;
}

export interface KerasFileOptions {
  /** Weight names as in the old files of Keras's applications: `block1_conv1_W_1:0`. */
  readonly oldNames?: boolean;
  /** Dense layers after the convolutions, and the whole under `model_weights`. */
  readonly wholeModel?: boolean;
}

/** Writes a Keras .h5 file of VGG16's convolutions with the formula's weights. */
export async function writeKerasFile(path: string, options: KerasFileOptions = {}): Promise<void> {
  const { oldNames = false, wholeModel = false } = options;
  await h5wasm.ready;
  const file = new h5wasm.File(path, 'w');
  const root = wholeModel ? file.create_group('model_weights') : file;
  const names = ['input_1', ...vgg16Layers.map(([name]) => name), 'block5_pool'];
  if (wholeModel) names.push('fc1');
  root.create_attribute('layer_names', names);
  for (const name of names) root.create_group(name);
  for (const [i, [name, inputs, outputs]] of vgg16Layers.entries()) {
    const group = root.get(name) as InstanceType<typeof h5wasm.Group>;
    const prefix = oldNames ? `${name}_` : `${name}/`;
    const weightNames = oldNames
      ? [`${prefix}W_1:0`, `${prefix}b_1:0`]
      : [`${prefix}kernel:0`, `${prefix}bias:0`];
    group.create_attribute('weight_names', weightNames);
    const { kernel, bias } = formulaWeights(i, inputs, outputs);
    const inner = oldNames ? group : group.create_group(name);
    const short = (full: string) => (oldNames ? full : full.slice(prefix.length));
    inner.create_dataset({
      name: short(weightNames[0] as string),
      data: kernel,
      shape: [3, 3, inputs, outputs],
    });
    inner.create_dataset({ name: short(weightNames[1] as string), data: bias, shape: [outputs] });
  }
  if (wholeModel) {
    const group = root.get('fc1') as InstanceType<typeof h5wasm.Group>;
    group.create_attribute('weight_names', ['fc1/kernel:0']);
    const inner = group.create_group('fc1');
    inner.create_dataset({ name: 'kernel:0', data: new Float32Array(12), shape: [3, 4] });
  }
  file.close();
}
