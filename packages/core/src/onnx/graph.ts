import { elementType, type GraphNode, type Model, type TensorProto } from './onnx-model.ts';

/** Which nodes read a tensor. */
export function consumersOf(nodes: readonly GraphNode[]): Map<string, GraphNode[]> {
  const consumers = new Map<string, GraphNode[]>();
  for (const one of nodes) {
    for (const name of one.input ?? []) {
      const list = consumers.get(name);
      if (list) list.push(one);
      else consumers.set(name, [one]);
    }
  }
  return consumers;
}

/** Which node makes a tensor. */
export function producersOf(nodes: readonly GraphNode[]): Map<string, GraphNode> {
  return new Map(nodes.flatMap((one) => (one.output ?? []).map((name) => [name, one] as const)));
}

/** The ReLU or Clip that alone reads the node's only output. */
export function fusedActivation(
  one: GraphNode,
  consumers: ReadonlyMap<string, readonly GraphNode[]>,
  outputs: ReadonlySet<string>,
): GraphNode | undefined {
  const [name = ''] = one.output ?? [];
  const readers = consumers.get(name) ?? [];
  const [reader] = readers;
  if (!reader || readers.length !== 1 || outputs.has(name)) return undefined;
  return reader.opType === 'Relu' || reader.opType === 'Clip' ? reader : undefined;
}

/** Whether what is cut off is just what lies below zero, or above what the range holds. */
export function clipsAtZero(
  activation: GraphNode,
  constants: ReadonlyMap<string, TensorProto>,
): boolean {
  if (activation.opType === 'Relu') return true;
  return floatsOf(constants.get(activation.input?.[1] ?? ''))?.values[0] === 0;
}

/** A constant's numbers. */
export interface Floats {
  readonly dims: number[];
  readonly values: Float32Array;
}

/** A constant's numbers, if it is of float32. */
export function floatsOf(tensor: TensorProto | undefined): Floats | undefined {
  if (tensor?.dataType !== elementType.float32) return undefined;
  const dims = (tensor.dims ?? []).map(Number);
  if (tensor.rawData?.length) {
    return { dims, values: new Float32Array(new Uint8Array(tensor.rawData).buffer) };
  }
  return { dims, values: Float32Array.from(tensor.floatData ?? []) };
}

const calibrated = new Set(['Conv', 'Relu', 'Clip', 'Add', 'Concat']);

/** The float tensors whose range decides how they are quantized. */
export function calibratedTensors(model: Model): string[] {
  const nodes = model.graph?.node ?? [];
  const constants = new Set((model.graph?.initializer ?? []).map(({ name }) => name));
  const names = new Set<string>();
  // What comes before the first convolution is not quantized.
  let begun = false;
  for (const one of nodes) {
    if (one.opType === 'Conv') {
      begun = true;
      names.add(one.input?.[0] ?? '');
    }
    if (!begun || !calibrated.has(one.opType ?? '')) continue;
    for (const name of one.output ?? []) names.add(name);
  }
  return [...names].filter((name) => !constants.has(name));
}
