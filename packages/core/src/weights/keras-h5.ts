import type { Dataset, Group } from 'h5wasm/node';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import {
  type ConvLayer,
  type ConvWeights,
  checkFinite,
  checkShape,
  hwioToOihw,
  type Vgg16Weights,
  vgg16Convolutions,
} from '../onnx/index.ts';

/** A weight of the file, not read yet. */
interface StoredWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dataset: Dataset;
}

/**
 * Reads the convolutions of VGG16 from an HDF5 file of Keras, with or without the top: a weights
 * file, or a whole model (`model_weights`). Layers and weights are found by the attributes
 * `layer_names` and `weight_names`, whatever the weights are called, or, in files of Keras 3
 * (`.weights.h5`), by their numbers.
 *
 * @throws HeadstartError `WEIGHTS_INVALID`
 */
export async function readKerasWeights(path: string): Promise<Vgg16Weights> {
  // Loaded where it is needed: it takes a quarter of a second.
  const { default: h5wasm } = await import('h5wasm/node');
  // Else a failing read is a null here, and a page of text on stderr.
  (await h5wasm.ready).activate_throwing_error_handler();
  try {
    const file = new h5wasm.File(path, 'r');
    try {
      return {
        convolutions: readConvolutions(path, file),
        preprocessing: 'caffe',
        format: 'keras',
      };
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof HeadstartError) throw error;
    throw new HeadstartError(
      'WEIGHTS_INVALID',
      `Cannot read ${path}: ${hdf5Reason(error)}. Fetch it again.`,
      { cause: error },
    );
  }
}

/** HDF5 reports a stack of calls; the innermost, which comes last, names the cause. */
function hdf5Reason(error: unknown): string {
  return [...reasonOf(error).matchAll(/\(\): (.+)$/gm)].at(-1)?.[1] ?? reasonOf(error);
}

function readConvolutions(path: string, file: Group): ConvWeights[] {
  const weights = storedWeights(path, file);
  const kernels = weights.flatMap((weight, i) => (weight.shape.length === 4 ? [i] : []));
  return vgg16Convolutions.map((layer, i) => {
    const kernel = weights[kernels[i] ?? weights.length];
    const bias = weights[(kernels[i] ?? weights.length) + 1];
    if (kernel && bias) return convolution(path, layer, kernel, bias);
    throw new HeadstartError(
      'WEIGHTS_INVALID',
      `${path} does not hold VGG16: it has ${kernels.length} convolutions, not ${vgg16Convolutions.length}.`,
    );
  });
}

function convolution(
  path: string,
  layer: ConvLayer,
  kernel: StoredWeight,
  bias: StoredWeight,
): ConvWeights {
  checkShape(path, kernel.name, kernel.shape, [3, 3, layer.inputs, layer.outputs]);
  checkShape(path, bias.name, bias.shape, [layer.outputs]);
  return {
    kernel: hwioToOihw(values(path, kernel), 9, layer.inputs, layer.outputs),
    bias: values(path, bias),
  };
}

function values(path: string, { name, dataset }: StoredWeight): Float32Array {
  const value = dataset.value;
  if (!(value instanceof Float32Array)) {
    throw new HeadstartError(
      'WEIGHTS_INVALID',
      `${path} holds ${name} in a type that is not float32.`,
    );
  }
  checkFinite(path, name, value);
  return value;
}

/** All weights in the order of layers, as Keras lists them. */
function storedWeights(path: string, file: Group): StoredWeight[] {
  const root = (file.get('model_weights') ?? file) as Group;
  const layers = stringList(root, 'layer_names');
  if (layers) return layers.flatMap((layer) => listedWeights(path, root, layer));
  const numbered = file.get('layers');
  if (numbered) return numberedWeights(path, numbered as Group);
  throw new HeadstartError(
    'WEIGHTS_INVALID',
    `${path} lists no layers (attribute layer_names): give an .h5 file of Keras's applications, or one written by model.save_weights("vgg16.weights.h5").`,
  );
}

function listedWeights(path: string, root: Group, layer: string): StoredWeight[] {
  const group = root.get(layer) as Group | null;
  const names = group ? (stringList(group, 'weight_names') ?? []) : [];
  return names.map((name) => storedWeight(path, `${layer}/${name}`, group?.get(name)));
}

/**
 * Keras 3's `.weights.h5` has no names of layers: `layers/conv2d`, `layers/conv2d_1`, … count those
 * of one kind in the model's order; `vars/0` is the kernel, `vars/1` the bias.
 */
function numberedWeights(path: string, layers: Group): StoredWeight[] {
  return vgg16Convolutions.flatMap((_, i) => {
    const name = i === 0 ? 'conv2d' : `conv2d_${i}`;
    return ['vars/0', 'vars/1'].map((weight) =>
      storedWeight(path, `layers/${name}/${weight}`, layers.get(`${name}/${weight}`)),
    );
  });
}

function storedWeight(path: string, name: string, entity: unknown): StoredWeight {
  const dataset = entity as Dataset | null | undefined;
  if (dataset && 'shape' in dataset) {
    return { name, shape: (dataset.shape ?? []).map(Number), dataset };
  }
  throw new HeadstartError('WEIGHTS_INVALID', `${path} does not hold VGG16: ${name} is missing.`);
}

/** An attribute that lists names; Keras splits long lists into `name0`, `name1`, …. */
function stringList(group: Group, attribute: string): string[] | undefined {
  const whole = group.attrs[attribute];
  if (whole) return toStrings(whole.value);
  const parts: string[] = [];
  for (let i = 0; group.attrs[`${attribute}${i}`]; i++) {
    parts.push(...toStrings(group.attrs[`${attribute}${i}`]?.value));
  }
  return parts.length > 0 ? parts : undefined;
}

function toStrings(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
