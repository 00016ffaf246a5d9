import type { StackLayer } from '@headstart/native';
import {
  constantsOf,
  followChain,
  isPlainConvolution,
  type ReadConvolution,
  type RestOfModel,
  restOf,
} from './convolution-chain.ts';
import { type Floats, floatsOf, producersOf } from './graph.ts';
import {
  elementType,
  type GraphNode,
  type Model,
  oihwToHwio,
  type TensorProto,
} from './onnx-model.ts';
import { type PixelInput, pixelInputOf } from './pixel-input.ts';

/** A model as a chain of convolutions in float32, and what comes after it. */
export interface StackPlan {
  readonly height: number;
  readonly width: number;
  /** By channel of the image: pixels become pixel · scale + shift. */
  readonly scale: Float32Array;
  readonly shift: Float32Array;
  readonly layers: readonly StackLayer[];
  /** What the model does with the chain's result [N, h, w, c]; undefined where that is its output. */
  readonly rest?: RestOfModel | undefined;
}

type Size = Readonly<Record<'height' | 'width', number>>;

/** Weights stay in the model until they are asked for: converting VGG16's takes half a second. */
interface FloatConvolution {
  readonly weights: () => Omit<StackLayer, 'pool'>;
}

/**
 * Takes a model of uint8 pixels apart: preprocessing by channel, 3x3 convolutions with ReLU and 2x2
 * max pools, as VGG16 has them, and the rest. Undefined where it is made otherwise.
 */
export function stackPlan(model: Model, size: Size): StackPlan | undefined {
  const found = findChain(model, size);
  if (!found) return undefined;
  const { chain, pixels } = found;
  const layers = chain.layers.map(({ weights, pool }) => ({ ...weights(), pool }));
  const [layer, ...others] = layers as [StackLayer, ...StackLayer[]];
  return {
    height: size.height,
    width: size.width,
    ...inImageOrder(pixels, layer, others),
    rest: restOf(model, chain),
  };
}

/** Whether there is a {@link stackPlan}. */
export function hasStackPlan(model: Model, size: Size): boolean {
  return findChain(model, size) !== undefined;
}

function findChain(model: Model, size: Size) {
  const nodes = model.graph?.node ?? [];
  const constants = constantsOf(model);
  const first = nodes.find(({ opType }) => opType === 'Conv');
  const pixels =
    first &&
    pixelInputOf(first.input?.[0] ?? '', {
      producers: producersOf(nodes),
      constants,
      inputs: model.graph?.input ?? [],
    });
  if (!first || pixels?.scale.length !== 3) return undefined;
  const chain = followChain(model, first, size, {
    opType: 'Conv',
    read: (one, channels, next) => readConvolution(one, channels, next, constants),
  });
  return chain && { chain, pixels };
}

/** A convolution with its ReLU. */
function readConvolution(
  one: GraphNode,
  channels: number,
  relu: GraphNode | undefined,
  constants: ReadonlyMap<string, TensorProto>,
): ReadConvolution<FloatConvolution> | undefined {
  const [kernel, bias] = [1, 2].map((i) => constants.get(one.input?.[i] ?? ''));
  if (kernel?.dataType !== elementType.float32 || bias?.dataType !== elementType.float32) {
    return undefined;
  }
  const dims = (kernel.dims ?? []).map(Number);
  if (!isPlainConvolution(one, dims, channels) || relu?.opType !== 'Relu') return undefined;
  const [filters = 0] = dims;
  const floats = (tensor: TensorProto) => (floatsOf(tensor) as Floats).values;
  const weights = () => ({
    kernel: oihwToHwio(floats(kernel), 9, channels, filters),
    bias: floats(bias),
  });
  return { layer: { weights }, filters, last: relu };
}

/** The first layer's kernel by the image's channels, not by those that preprocessing gives. */
function inImageOrder(pixels: PixelInput, first: StackLayer, others: readonly StackLayer[]) {
  const [scale, shift] = [new Float32Array(3), new Float32Array(3)];
  const kernel = new Float32Array(first.kernel.length);
  const filters = first.bias.length;
  for (const [c, channel] of pixels.order.entries()) {
    scale[channel] = pixels.scale[c] as number;
    shift[channel] = pixels.offset[c] as number;
    for (let tap = 0; tap < 9; tap++) {
      const [from, to] = [(tap * 3 + c) * filters, (tap * 3 + channel) * filters];
      kernel.set(first.kernel.subarray(from, from + filters), to);
    }
  }
  return { scale, shift, layers: [{ ...first, kernel }, ...others] };
}
