import type { Activation, Conv2dSpec, DenseSpec, LayerSpec, Tensor } from '@headstart/native';
import { HeadstartError } from '../base/errors.ts';
import type { HeadWeights } from './weights.ts';

/** Numbers of one sample, [height, width, channels] in that order; a vector is 1 x 1 x size. */
export interface FeatureMap {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly data: Float32Array;
}

/** A layer without dropout, one sample at a time: what it makes, and how a gradient goes back. */
export interface LayerPass {
  forward(input: FeatureMap): FeatureMap;
  /**
   * The gradient by the layer's input.
   *
   * @param output what `forward` made of `input`
   * @param gradient by the output, of its size
   */
  backward(input: FeatureMap, output: FeatureMap, gradient: Float32Array): Float32Array;
}

/** The readable form of what the native trainer computes; for single samples it is fast enough. */
export function layerPass(layer: LayerSpec, weights: HeadWeights): LayerPass {
  switch (layer.type) {
    case 'conv2d':
      return convolution(layer, weights);
    case 'dense':
      return dense(layer, weights);
    case 'max_pool2d':
      return maxPool;
    case 'global_average_pool2d':
      return averagePool;
    case 'flatten':
      return flatten;
    case 'dropout':
      return identity;
    default:
      return layer satisfies never;
  }
}

/** Same padding, stride 1; the kernel is [size, size, inputs, filters]. */
function convolution(
  { name, kernelSize, activation }: Conv2dSpec,
  weights: HeadWeights,
): LayerPass {
  const kernel = tensorOf(weights, `${name}/kernel`).data;
  const bias = tensorOf(weights, `${name}/bias`).data;
  const filters = bias.length;
  const pixel = (data: Float32Array, index: number, channels: number) =>
    data.subarray(index * channels, (index + 1) * channels);
  return {
    forward(input) {
      const { height, width, channels } = input;
      const data = new Float32Array(height * width * filters);
      for (let i = 0; i < data.length; i += filters) data.set(bias, i);
      eachTap(input, kernelSize, (from, to, tap) => {
        const matrix = pixel(kernel, tap, channels * filters);
        addProduct(pixel(data, to, filters), pixel(input.data, from, channels), matrix);
      });
      return { height, width, channels: filters, data: activated(data, activation) };
    },
    backward(input, output, gradient) {
      const { channels } = input;
      const own = throughActivation(gradient, output.data, activation);
      const result = new Float32Array(input.data.length);
      eachTap(input, kernelSize, (from, to, tap) => {
        const matrix = pixel(kernel, tap, channels * filters);
        addTransposed(pixel(result, from, channels), pixel(own, to, filters), matrix);
      });
      return result;
    },
  };
}

/** Calls for each pair of an input pixel and an output pixel, with the number of the tap between. */
function eachTap(
  { height, width }: FeatureMap,
  size: number,
  visit: (from: number, to: number, tap: number) => void,
): void {
  const reach = (size - 1) / 2;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let tap = 0; tap < size * size; tap++) {
        const fromY = y + Math.floor(tap / size) - reach;
        const fromX = x + (tap % size) - reach;
        if (fromY < 0 || fromY >= height || fromX < 0 || fromX >= width) continue;
        visit(fromY * width + fromX, y * width + x, tap);
      }
    }
  }
}

/** The kernel is [inputs, units]. */
function dense({ name, activation }: DenseSpec, weights: HeadWeights): LayerPass {
  const kernel = tensorOf(weights, `${name}/kernel`).data;
  const bias = tensorOf(weights, `${name}/bias`).data;
  return {
    forward(input) {
      const data = bias.slice();
      addProduct(data, input.data, kernel);
      return { height: 1, width: 1, channels: data.length, data: activated(data, activation) };
    },
    backward(input, output, gradient) {
      const result = new Float32Array(input.data.length);
      addTransposed(result, throughActivation(gradient, output.data, activation), kernel);
      return result;
    },
  };
}

/** 2x2, stride 2, same padding: an odd last row or column pools what is there. */
const maxPool: LayerPass = {
  forward(input) {
    const [height, width] = [Math.ceil(input.height / 2), Math.ceil(input.width / 2)];
    const { channels } = input;
    const data = new Float32Array(height * width * channels).fill(-Infinity);
    eachPooled(input, (from, to) => {
      if ((input.data[from] as number) > (data[to] as number))
        data[to] = input.data[from] as number;
    });
    return { height, width, channels, data };
  },
  backward(input, output, gradient) {
    const result = new Float32Array(input.data.length);
    const given = new Uint8Array(gradient.length);
    // Of equal numbers, the first one has the gradient.
    eachPooled(input, (from, to) => {
      if (given[to] || input.data[from] !== output.data[to]) return;
      given[to] = 1;
      result[from] = gradient[to] as number;
    });
    return result;
  },
};

/** Calls for each number of the input and that of the pool's output which it goes to. */
function eachPooled(
  { height, width, channels }: FeatureMap,
  visit: (from: number, to: number) => void,
) {
  const pooledWidth = Math.ceil(width / 2);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (y * width + x) * channels;
      const to = ((y >> 1) * pooledWidth + (x >> 1)) * channels;
      for (let c = 0; c < channels; c++) visit(from + c, to + c);
    }
  }
}

const averagePool: LayerPass = {
  forward({ height, width, channels, data }) {
    const means = new Float32Array(channels);
    data.forEach((value, i) => {
      means[i % channels] = (means[i % channels] as number) + value / (height * width);
    });
    return { height: 1, width: 1, channels, data: means };
  },
  backward: ({ height, width, channels, data }, _, gradient) =>
    data.map((_, i) => (gradient[i % channels] as number) / (height * width)),
};

const flatten: LayerPass = {
  forward: ({ data }) => ({ height: 1, width: 1, channels: data.length, data }),
  backward: (_, __, gradient) => gradient,
};

const identity: LayerPass = {
  forward: (input) => input,
  backward: (_, __, gradient) => gradient,
};

/** output += input · matrix, [inputs, outputs]. Features after ReLU are mostly zero: those cost nothing. */
function addProduct(output: Float32Array, input: Float32Array, matrix: Float32Array): void {
  const outputs = output.length;
  for (let i = 0; i < input.length; i++) {
    const value = input[i] as number;
    if (value === 0) continue;
    const row = i * outputs;
    for (let o = 0; o < outputs; o++) {
      output[o] = (output[o] as number) + value * (matrix[row + o] as number);
    }
  }
}

/** result += matrix · gradient, the matrix as in {@link addProduct}. */
function addTransposed(result: Float32Array, gradient: Float32Array, matrix: Float32Array): void {
  const outputs = gradient.length;
  for (let i = 0; i < result.length; i++) {
    const row = i * outputs;
    let sum = 0;
    for (let o = 0; o < outputs; o++) sum += (gradient[o] as number) * (matrix[row + o] as number);
    result[i] = (result[i] as number) + sum;
  }
}

function activated(data: Float32Array, activation: Activation | undefined): Float32Array {
  return activation === 'relu' ? data.map((value) => Math.max(0, value)) : data;
}

function throughActivation(
  gradient: Float32Array,
  output: Float32Array,
  activation: Activation | undefined,
): Float32Array {
  if (activation !== 'relu') return gradient;
  return gradient.map((value, i) => ((output[i] as number) > 0 ? value : 0));
}

function tensorOf(weights: HeadWeights, name: string): Tensor {
  const tensor = weights[name];
  if (tensor) return tensor;
  throw new HeadstartError('WEIGHTS_INVALID', `The head has no weights called ${name}.`);
}
