import { consumersOf } from './graph.ts';
import {
  elementType,
  encodeModel,
  type GraphNode,
  type Model,
  type TensorProto,
  valueInfo,
} from './onnx-model.ts';

/** 3x3 convolutions and 2x2 max pools, one after another, to a Transpose to NHWC. */
export interface ConvolutionChain<L> {
  readonly layers: readonly (L & { readonly pool: boolean })[];
  /** The chain's result in NHWC. */
  readonly output: string;
  readonly channels: number;
  readonly taken: ReadonlySet<GraphNode>;
}

/** A convolution as its reader understands it. */
export interface ReadConvolution<L> {
  readonly layer: L;
  readonly filters: number;
  /** The node whose result is the layer's: the convolution, or the ReLU after it. */
  readonly last: GraphNode;
}

export interface ChainReader<L> {
  readonly opType: string;
  /** Undefined where the convolution is of another kind. `next`: what alone reads its result. */
  read(
    one: GraphNode,
    channels: number,
    next: GraphNode | undefined,
  ): ReadConvolution<L> | undefined;
}

/** What comes after a chain; its input is float32 [N, h, w, channels]. */
export interface RestOfModel {
  readonly model: Uint8Array;
  readonly input: string;
}

/** As the addon takes them: filters by vectors of the widest processors. */
const filterUnit = 16;
/** A shorter chain is not worth it. */
const fewestLayers = 2;

export const constantsOf = (model: Model): Map<string, TensorProto> =>
  new Map((model.graph?.initializer ?? []).map((one) => [one.name ?? '', one]));

/** The convolutions from the first on, as far as they go; undefined where they end otherwise. */
export function followChain<L>(
  model: Model,
  first: GraphNode,
  size: { readonly height: number; readonly width: number },
  reader: ChainReader<L>,
): ConvolutionChain<L> | undefined {
  const next = readerAlone(model);
  const taken = new Set<GraphNode>();
  const layers: (L & { pool: boolean })[] = [];
  let { height, width } = size;
  let channels = 3;
  let one: GraphNode | undefined = first;
  while (one?.opType === reader.opType) {
    const found = reader.read(one, channels, next(one));
    if (!found) return undefined;
    channels = found.filters;
    taken.add(one).add(found.last);
    one = next(found.last);
    const pool = one !== undefined && isHalving(one) && layers.length > 0;
    if (pool && (height % 2 !== 0 || width % 2 !== 0)) return undefined;
    layers.push({ ...found.layer, pool });
    if (!pool) continue;
    [height, width] = [height / 2, width / 2];
    taken.add(one as GraphNode);
    one = next(one as GraphNode);
  }
  const perm = one?.attribute?.find(({ name }) => name === 'perm')?.ints?.map(Number);
  if (one?.opType !== 'Transpose' || perm?.join() !== '0,2,3,1') return undefined;
  if (layers.length < fewestLayers) return undefined;
  taken.add(one);
  return { layers, output: one.output?.[0] ?? '', channels, taken };
}

/** Gives what alone reads a node's result, where that is not the model's. */
function readerAlone(model: Model): (one: GraphNode) => GraphNode | undefined {
  const consumers = consumersOf(model.graph?.node ?? []);
  const outputs = new Set((model.graph?.output ?? []).map(({ name }) => name));
  return (one) => {
    const name = one.output?.[0] ?? '';
    const readers = consumers.get(name) ?? [];
    return readers.length === 1 && !outputs.has(name) ? readers[0] : undefined;
  };
}

/** @param dims of the kernel: [filters, inputs, height, width] */
export function isPlainConvolution(
  one: GraphNode,
  dims: readonly number[],
  channels: number,
): boolean {
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

/** The model without the chain; undefined where nothing is left. */
export function restOf(
  model: Model,
  { output, channels, taken }: Omit<ConvolutionChain<unknown>, 'layers'>,
): RestOfModel | undefined {
  const needed = new Set((model.graph?.output ?? []).map(({ name }) => name ?? ''));
  const nodes: GraphNode[] = [];
  for (const one of [...(model.graph?.node ?? [])].reverse()) {
    if (taken.has(one) || !one.output?.some((name) => needed.has(name))) continue;
    for (const name of one.input ?? []) needed.add(name);
    nodes.unshift(one);
  }
  if (nodes.length === 0) return undefined;
  const initializer = (model.graph?.initializer ?? []).filter(({ name }) => needed.has(name ?? ''));
  const input = [valueInfo(output, elementType.float32, ['N', 'h', 'w', channels])];
  const rest = { ...model, graph: { ...model.graph, node: nodes, initializer, input } };
  return { model: encodeModel(rest), input: output };
}
