import type { LayerSpec, TensorMap } from '@headstart/native';
import type { Shape } from './heads.ts';

export interface ReferenceOptions {
  readonly classWeights?: ArrayLike<number>;
  readonly l2?: number;
  readonly labelSmoothing?: number;
}

/**
 * The forward pass in double precision, written as the textbook has it, to hold the addon against.
 * No dropout. Returns the mean of weight × cross-entropy plus the L2 penalty, and the logits
 * `[samples][classes]`.
 */
export function referenceLoss(
  layers: readonly LayerSpec[],
  inputShape: Shape,
  weights: Readonly<Record<string, ArrayLike<number>>>,
  inputs: ArrayLike<number>,
  labels: ArrayLike<number>,
  { classWeights, l2 = 0, labelSmoothing = 0 }: ReferenceOptions = {},
): { loss: number; logits: Float64Array[] } {
  const size = inputShape[0] * inputShape[1] * inputShape[2];
  const logits: Float64Array[] = [];
  let loss = 0;
  for (let n = 0; n < labels.length; n++) {
    const sample = Float64Array.from({ length: size }, (_, i) => inputs[n * size + i]!);
    const output = referenceForward(layers, inputShape, weights, sample);
    logits.push(output);
    const largest = Math.max(...output);
    const total = output.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
    const label = labels[n]!;
    const even = labelSmoothing / output.length;
    const target = (k: number) => (k === label ? 1 - labelSmoothing : 0) + even;
    const entropy = output.reduce(
      (sum, logit, k) => sum + target(k) * (Math.log(total) + largest - logit),
      0,
    );
    loss += (classWeights?.[label] ?? 1) * entropy;
  }
  return { loss: loss / labels.length + l2 * squaresOfKernels(weights), logits };
}

function squaresOfKernels(weights: Readonly<Record<string, ArrayLike<number>>>): number {
  let sum = 0;
  for (const [name, values] of Object.entries(weights)) {
    if (!name.endsWith('/kernel')) continue;
    for (let i = 0; i < values.length; i++) sum += values[i]! ** 2;
  }
  return sum;
}

function referenceForward(
  layers: readonly LayerSpec[],
  inputShape: Shape,
  weights: Readonly<Record<string, ArrayLike<number>>>,
  sample: Float64Array,
): Float64Array {
  let x = sample;
  let shape: Shape = inputShape;
  for (const layer of layers) [x, shape] = apply(layer, shape, weights, x);
  return x;
}

function apply(
  layer: LayerSpec,
  shape: Shape,
  weights: Readonly<Record<string, ArrayLike<number>>>,
  x: Float64Array,
): [Float64Array, Shape] {
  const [height, width, channels] = shape;
  switch (layer.type) {
    case 'conv2d':
      return [conv2d(layer, shape, weights, x), [height, width, layer.filters]];
    case 'max_pool2d':
      return maxPool(shape, x);
    case 'global_average_pool2d': {
      const sums = new Float64Array(channels);
      for (let i = 0; i < x.length; i++) sums[i % channels]! += x[i]! / (height * width);
      return [sums, [1, 1, channels]];
    }
    case 'dropout':
      return [x, shape];
    case 'flatten':
      return [x, [1, 1, x.length]];
    case 'dense': {
      const kernel = weights[`${layer.name}/kernel`]!;
      const bias = weights[`${layer.name}/bias`]!;
      const y = Float64Array.from({ length: layer.units }, (_, unit) => {
        let sum = bias[unit]!;
        for (let i = 0; i < x.length; i++) sum += x[i]! * kernel[i * layer.units + unit]!;
        return sum;
      });
      return [layer.activation === 'relu' ? y.map((v) => Math.max(v, 0)) : y, [1, 1, layer.units]];
    }
  }
}

function conv2d(
  layer: Extract<LayerSpec, { type: 'conv2d' }>,
  [height, width, channels]: Shape,
  weights: Readonly<Record<string, ArrayLike<number>>>,
  x: Float64Array,
): Float64Array {
  const { filters, kernelSize } = layer;
  const kernel = weights[`${layer.name}/kernel`]!;
  const bias = weights[`${layer.name}/bias`]!;
  const reach = (kernelSize - 1) / 2;
  const y = new Float64Array(height * width * filters);
  for (let i = 0; i < y.length; i++) {
    const f = i % filters;
    const column = Math.floor(i / filters) % width;
    const row = Math.floor(i / filters / width);
    let sum = bias[f]!;
    for (let ky = 0; ky < kernelSize; ky++) {
      for (let kx = 0; kx < kernelSize; kx++) {
        const [fromRow, fromColumn] = [row + ky - reach, column + kx - reach];
        if (fromRow < 0 || fromRow >= height || fromColumn < 0 || fromColumn >= width) continue;
        for (let c = 0; c < channels; c++) {
          const tap = (ky * kernelSize + kx) * channels + c;
          sum += x[(fromRow * width + fromColumn) * channels + c]! * kernel[tap * filters + f]!;
        }
      }
    }
    y[i] = layer.activation === 'relu' ? Math.max(sum, 0) : sum;
  }
  return y;
}

function maxPool([height, width, channels]: Shape, x: Float64Array): [Float64Array, Shape] {
  const shape: Shape = [Math.ceil(height / 2), Math.ceil(width / 2), channels];
  const y = new Float64Array(shape[0] * shape[1] * channels).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0; i < x.length; i++) {
    const c = i % channels;
    const column = Math.floor(i / channels) % width;
    const row = Math.floor(i / channels / width);
    const to = (Math.floor(row / 2) * shape[1] + Math.floor(column / 2)) * channels + c;
    y[to] = Math.max(y[to]!, x[i]!);
  }
  return [y, shape];
}

/** Doubles of every weight, to be moved a little for finite differences. */
export function doubles(weights: TensorMap): Record<string, Float64Array> {
  return Object.fromEntries(
    Object.entries(weights).map(([name, { data }]) => [name, Float64Array.from(data)]),
  );
}
