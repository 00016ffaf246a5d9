import type { Int8StackLayer } from '@headstart/native';
import {
  constantsOf,
  followChain,
  isPlainConvolution,
  type ReadConvolution,
  type RestOfModel,
  restOf,
} from './convolution-chain.ts';
import { consumersOf, floatsOf, producersOf } from './graph.ts';
import {
  elementType,
  type GraphNode,
  type Model,
  oihwToHwio,
  type TensorProto,
  tensorTypeOf,
} from './onnx-model.ts';

/** A model as a chain of convolutions in 8 bits, and what comes after it. */
export interface Int8StackPlan {
  readonly kind: 'int8';
  readonly height: number;
  readonly width: number;
  /** The level that pixels beyond the edge have. */
  readonly zeroPoint: number;
  readonly layers: readonly Int8StackLayer[];
  readonly outputScale: number;
  /** What the model does with the chain's result [N, h, w, c]; undefined where that is its output. */
  readonly rest?: RestOfModel | undefined;
}

/** A layer, whose weights stay in the model until asked for, and the levels that it reads and gives. */
interface Int8Convolution {
  readonly weights: () => Omit<Int8StackLayer, 'pool'>;
  readonly from: Levels;
  readonly to: Levels;
}

/** Scale and zero point. */
interface Levels {
  readonly scale: number;
  readonly zeroPoint: number;
}

type Size = Readonly<Record<'height' | 'width', number>>;

/**
 * Takes a model of uint8 pixels whose convolutions are in 8 bits apart, as {@link quantizeModel}
 * writes VGG16: 3x3 convolutions of pixels and of each other, 2x2 max pools, and the rest. Undefined
 * where it is made otherwise.
 */
export function int8StackPlan(model: Model, size: Size): Int8StackPlan | undefined {
  const found = findChain(model, size);
  if (!found) return undefined;
  const { chain, floats } = found;
  const taken = new Set([...chain.taken, floats.node]);
  return {
    kind: 'int8',
    height: size.height,
    width: size.width,
    zeroPoint: chain.layers[0]?.from.zeroPoint ?? 0,
    layers: chain.layers.map(({ weights, pool }) => ({ ...weights(), pool })),
    outputScale: floats.levels.scale,
    rest: restOf(model, { ...chain, taken, output: floats.node.output?.[0] ?? '' }),
  };
}

/** Whether there is an {@link int8StackPlan}. */
export function hasInt8StackPlan(model: Model, size: Size): boolean {
  return findChain(model, size) !== undefined;
}

function findChain(model: Model, size: Size) {
  const nodes = model.graph?.node ?? [];
  const constants = constantsOf(model);
  const first = nodes.find(({ opType }) => opType === 'QLinearConv');
  if (!first || !readsPixels(first, model)) return undefined;
  const chain = followChain(model, first, size, {
    opType: 'QLinearConv',
    read: (one, channels) => readConvolution(one, channels, constants),
  });
  const floats = chain && dequantized(model, chain.output, constants);
  if (!floats || !fitTogether(chain.layers, floats.levels)) return undefined;
  return { chain, floats };
}

/** Whether the convolution's input is the graph's own uint8 pixels [N, H, W, 3], as [N, 3, H, W]. */
function readsPixels(one: GraphNode, model: Model): boolean {
  const transpose = producersOf(model.graph?.node ?? []).get(one.input?.[0] ?? '');
  const perm = transpose?.attribute?.find(({ name }) => name === 'perm')?.ints?.map(Number);
  if (transpose?.opType !== 'Transpose' || perm?.join() !== '0,3,1,2') return false;
  const image = model.graph?.input?.find(({ name }) => name === transpose.input?.[0]);
  if (!image) return false;
  const { elemType, dims } = tensorTypeOf(image);
  return elemType === elementType.uint8 && dims?.length === 4 && dims[3] === 3;
}

/** Levels go from one convolution to the next as they are. */
function fitTogether(layers: readonly Int8Convolution[], last: Levels): boolean {
  return layers.every(({ to }, i) => {
    const next = layers[i + 1]?.from ?? last;
    return to.scale === next.scale && to.zeroPoint === next.zeroPoint;
  });
}

function readConvolution(
  one: GraphNode,
  channels: number,
  constants: ReadonlyMap<string, TensorProto>,
): ReadConvolution<Int8Convolution> | undefined {
  const [, xScale, xZero, w, wScale, wZero, yScale, yZero, b] = one.input ?? [];
  const kernel = constants.get(w ?? '');
  const bias = constants.get(b ?? '');
  const zeros = bytesOf(constants.get(wZero ?? ''), elementType.int8);
  const scales = floatsOf(constants.get(wScale ?? ''))?.values;
  const from = levelsOf(xScale, xZero, constants);
  const to = levelsOf(yScale, yZero, constants);
  const dims = (kernel?.dims ?? []).map(Number);
  const [filters = 0] = dims;
  if (!isBytes(kernel, elementType.int8) || !isBytes(bias, elementType.int32)) return undefined;
  if (!zeros || !scales || !from || !to) return undefined;
  if (!isPlainConvolution(one, dims, channels) || zeros.some((value) => value !== 0)) {
    return undefined;
  }
  if (scales.length !== filters && scales.length !== 1) return undefined;
  // In float32 and in this order, as ONNX Runtime does, so that levels are the same.
  const scale = Float32Array.from({ length: filters }, (_, f) => {
    const own = scales[scales.length === 1 ? 0 : f] as number;
    return Math.fround(from.scale * own) / to.scale;
  });
  const weights = () => ({
    kernel: oihwToHwio(new Int8Array(copyOf(kernel).buffer), 9, channels, filters),
    bias: new Int32Array(copyOf(bias).buffer),
    scale,
    zeroPoint: to.zeroPoint,
  });
  return { layer: { weights, from, to }, filters, last: one };
}

/** The node that turns the chain's result into float32, and alone reads it. */
function dequantized(
  model: Model,
  name: string,
  constants: ReadonlyMap<string, TensorProto>,
): { readonly node: GraphNode; readonly levels: Levels } | undefined {
  const [node, ...others] = consumersOf(model.graph?.node ?? []).get(name) ?? [];
  if (node?.opType !== 'DequantizeLinear' || others.length > 0) return undefined;
  const levels = levelsOf(node.input?.[1], node.input?.[2], constants);
  return levels && { node, levels };
}

/** One scale and one zero point for a whole tensor of uint8. */
function levelsOf(
  scale: string | undefined,
  zeroPoint: string | undefined,
  constants: ReadonlyMap<string, TensorProto>,
): Levels | undefined {
  const scales = floatsOf(constants.get(scale ?? ''))?.values;
  const zeros = bytesOf(constants.get(zeroPoint ?? ''), elementType.uint8);
  if (scales?.length !== 1 || zeros?.length !== 1) return undefined;
  return { scale: scales[0] as number, zeroPoint: zeros[0] as number };
}

/** A copy of a constant's bytes, where it is of the type and kept as bytes. */
function bytesOf(tensor: TensorProto | undefined, type: number): Uint8Array | undefined {
  return isBytes(tensor, type) && tensor.rawData.length > 0 ? copyOf(tensor) : undefined;
}

type Bytes = TensorProto & { readonly rawData: Uint8Array };

/** Whether a constant is of the type and kept as bytes, which an outline of the model leaves out. */
function isBytes(tensor: TensorProto | undefined, type: number): tensor is Bytes {
  return tensor?.dataType === type && Object.hasOwn(tensor, 'rawData');
}

/** Aligned for any type. */
function copyOf({ rawData }: Bytes): Uint8Array {
  return new Uint8Array(rawData);
}
