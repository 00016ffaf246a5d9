import type { StackLayer } from '@headstart/native';
import {
  constantsOf,
  followChain,
  isPlainConvolution,
  type ReadConvolution,
  type RestOfModel,
  restOf,
} from './convolution-chain.ts';
import { type GraphNode, type Model, oihwToHwio, type TensorProto } from './onnx-model.ts';
import { floatsOf, producersOf } from './quantize/graph.ts';
import { type PixelInput, pixelInputOf } from './quantize/pixel-input.ts';

/** A model as a chain of convolutions in float32, and what comes after it. */
export interface StackPlan {
  readonly kind: 'float32';
  readonly height: number;
  readonly width: number;
  /** By channel of the image: pixels become pixel · scale + shift. */
  readonly scale: Float32Array;
  readonly shift: Float32Array;
  readonly layers: readonly StackLayer[];
  /** What the model does with the chain's result [N, h, w, c]; undefined where that is its output. */
  readonly rest?: RestOfModel | undefined;
}

/**
 * Takes a model of uint8 pixels apart: preprocessing by channel, 3x3 convolutions with ReLU and 2x2
 * max pools, as VGG16 has them, and the rest. Undefined where it is made otherwise.
 */
export function stackPlan(
  model: Model,
  size: { readonly height: number; readonly width: number },
): StackPlan | undefined {
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
  if (!chain) return undefined;
  const [layer, ...others] = chain.layers as [StackLayer, ...StackLayer[]];
  return {
    kind: 'float32',
    height: size.height,
    width: size.width,
    ...inImageOrder(pixels, layer, others),
    rest: restOf(model, chain),
  };
}

/** A convolution with its ReLU. */
function readConvolution(
  one: GraphNode,
  channels: number,
  relu: GraphNode | undefined,
  constants: ReadonlyMap<string, TensorProto>,
): ReadConvolution<Omit<StackLayer, 'pool'>> | undefined {
  const kernel = floatsOf(constants.get(one.input?.[1] ?? ''));
  const bias = floatsOf(constants.get(one.input?.[2] ?? ''));
  if (!kernel || !bias || !isPlainConvolution(one, kernel.dims, channels)) return undefined;
  if (relu?.opType !== 'Relu') return undefined;
  const filters = bias.values.length;
  return {
    layer: { kernel: oihwToHwio(kernel.values, 9, channels, filters), bias: bias.values },
    filters,
    last: relu,
  };
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
