import type { StackLayer } from '@headstart/native';
import {
  elementType,
  encodeModel,
  type GraphNode,
  type Model,
  oihwToHwio,
  valueInfo,
} from './onnx-model.ts';
import { consumersOf, floatsOf, producersOf } from './quantize/graph.ts';
import { type GraphParts, pixelInputOf } from './quantize/pixel-input.ts';

/** A model as a chain of convolutions, and what comes after it. */
export interface StackPlan {
  readonly height: number;
  readonly width: number;
  /** By channel of the image: pixels become pixel · scale + shift. */
  readonly scale: Float32Array;
  readonly shift: Float32Array;
  readonly layers: readonly StackLayer[];
  /** What the model does with the chain's result [N, h, w, c]; undefined where that is its output. */
  readonly rest?: { readonly model: Uint8Array; readonly input: string } | undefined;
}

/** As the addon takes them: filters by vectors of the widest processors. */
const filterUnit = 16;
/** A shorter chain is not worth it. */
const fewestLayers = 2;

/**
 * Takes a model of uint8 pixels apart: preprocessing by channel, 3x3 convolutions with ReLU and 2x2
 * max pools, as VGG16 has them, and the rest. Undefined where it is made otherwise.
 */
export function stackPlan(
  model: Model,
  { height, width }: { readonly height: number; readonly width: number },
): StackPlan | undefined {
  const nodes = model.graph?.node ?? [];
  const parts: GraphParts = {
    producers: producersOf(nodes),
    constants: new Map((model.graph?.initializer ?? []).map((one) => [one.name ?? '', one])),
    inputs: model.graph?.input ?? [],
  };
  const first = nodes.find(({ opType }) => opType === 'Conv');
  const pixels = first && pixelInputOf(first.input?.[0] ?? '', parts);
  if (!first || pixels?.scale.length !== 3) return undefined;
  const chain = followChain(first, model, parts, { height, width });
  if (!chain || chain.layers.length < fewestLayers) return undefined;
  const [layer, ...others] = chain.layers as [StackLayer, ...StackLayer[]];
  const [scale, shift] = [new Float32Array(3), new Float32Array(3)];
  const kernel = new Float32Array(layer.kernel.length);
  const filters = layer.bias.length;
  for (const [c, channel] of pixels.order.entries()) {
    scale[channel] = pixels.scale[c] as number;
    shift[channel] = pixels.offset[c] as number;
    for (let tap = 0; tap < 9; tap++) {
      const [from, to] = [(tap * 3 + c) * filters, (tap * 3 + channel) * filters];
      kernel.set(layer.kernel.subarray(from, from + filters), to);
    }
  }
  return {
    height,
    width,
    scale,
    shift,
    layers: [{ ...layer, kernel }, ...others],
    rest: restOf(model, chain),
  };
}

interface Chain {
  readonly layers: StackLayer[];
  /** The chain's result in NHWC. */
  readonly output: string;
  readonly channels: number;
  readonly taken: ReadonlySet<GraphNode>;
}

/** The convolutions from the first on, as far as they go, up to the Transpose to NHWC. */
function followChain(
  first: GraphNode,
  model: Model,
  { constants }: GraphParts,
  size: { readonly height: number; readonly width: number },
): Chain | undefined {
  const consumers = consumersOf(model.graph?.node ?? []);
  const outputs = new Set((model.graph?.output ?? []).map(({ name }) => name));
  const taken = new Set<GraphNode>();
  const layers: StackLayer[] = [];
  let { height, width } = size;
  let channels = 3;
  /** What alone reads a node's result. */
  const next = (one: GraphNode): GraphNode | undefined => {
    const name = one.output?.[0] ?? '';
    const readers = consumers.get(name) ?? [];
    return readers.length === 1 && !outputs.has(name) ? readers[0] : undefined;
  };
  let one: GraphNode | undefined = first;
  let last = first;
  while (one?.opType === 'Conv') {
    const kernel = floatsOf(constants.get(one.input?.[1] ?? ''));
    const bias = floatsOf(constants.get(one.input?.[2] ?? ''));
    const relu = next(one);
    if (!kernel || !bias || !isPlainConvolution(one, kernel.dims, channels)) return undefined;
    if (relu?.opType !== 'Relu') return undefined;
    channels = bias.values.length;
    taken.add(one).add(relu);
    last = relu;
    one = next(relu);
    const pool = one !== undefined && isHalving(one) && layers.length > 0;
    if (pool && (height % 2 !== 0 || width % 2 !== 0)) return undefined;
    const inputs = kernel.dims[1] ?? 0;
    layers.push({
      kernel: oihwToHwio(kernel.values, 9, inputs, channels),
      bias: bias.values,
      pool,
    });
    if (!pool) continue;
    [height, width] = [height / 2, width / 2];
    last = one as GraphNode;
    taken.add(last);
    one = next(last);
  }
  const perm = one?.attribute?.find(({ name }) => name === 'perm')?.ints?.map(Number);
  if (one?.opType !== 'Transpose' || perm?.join() !== '0,2,3,1') return undefined;
  taken.add(one);
  return { layers, output: one.output?.[0] ?? '', channels, taken };
}

function isPlainConvolution(one: GraphNode, dims: readonly number[], channels: number): boolean {
  const [filters = 0, inputs, height, width] = dims;
  return (
    height === 3 &&
    width === 3 &&
    inputs === channels &&
    filters % filterUnit === 0 &&
    has(one, { pads: '1,1,1,1', strides: '1,1', dilations: '1,1', group: '1' }, ['pads'])
  );
}

function isHalving(one: GraphNode): boolean {
  return (
    one.opType === 'MaxPool' &&
    one.output?.length === 1 &&
    has(
      one,
      { kernel_shape: '2,2', strides: '2,2', pads: '0,0,0,0', dilations: '1,1', ceil_mode: '0' },
      ['kernel_shape', 'strides'],
    )
  );
}

/** Whether attributes are as given, or left out and not demanded. */
function has(
  one: GraphNode,
  wanted: Readonly<Record<string, string>>,
  demanded: readonly string[],
): boolean {
  const attributes = new Map((one.attribute ?? []).map((each) => [each.name ?? '', each]));
  if (attributes.has('auto_pad')) return false;
  return Object.entries(wanted).every(([name, value]) => {
    const attribute = attributes.get(name);
    if (!attribute) return !demanded.includes(name);
    const { ints, i } = attribute;
    return (ints?.length ? ints.map(Number).join() : String(Number(i))) === value;
  });
}

function restOf(model: Model, chain: Chain): StackPlan['rest'] {
  const outputs = model.graph?.output ?? [];
  const needed = new Set(outputs.map(({ name }) => name ?? ''));
  const nodes: GraphNode[] = [];
  for (const one of [...(model.graph?.node ?? [])].reverse()) {
    if (chain.taken.has(one) || !one.output?.some((name) => needed.has(name))) continue;
    for (const name of one.input ?? []) needed.add(name);
    nodes.unshift(one);
  }
  if (nodes.length === 0) return undefined;
  const initializer = (model.graph?.initializer ?? []).filter(({ name }) => needed.has(name ?? ''));
  const input = [valueInfo(chain.output, elementType.float32, ['N', 'h', 'w', chain.channels])];
  const rest = { ...model, graph: { ...model.graph, node: nodes, initializer, input } };
  return { model: encodeModel(rest), input: chain.output };
}
