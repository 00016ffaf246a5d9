import { HeadstartError } from '../base/errors.ts';
import { toFloat16 } from '../base/float16.ts';
import { floatsOf } from './graph.ts';
import {
  elementType,
  encodeModel,
  type GraphNode,
  type Model,
  metadataProps,
  modelMetadata,
  node,
  rawTensor,
  type TensorProto,
} from './onnx-model.ts';

/**
 * A model whose layers compute in float16, from the first convolution on: preprocessing, input and
 * output stay as they are. Made for GPUs; ONNX Runtime's CPU provider computes it in float32, with
 * weights and activations rounded in between.
 *
 * @throws HeadstartError `BACKBONE_UNSUITABLE` where there is no convolution, a weight is too large
 *   for float16, or a conversion of type stands between
 */
export function halfModel(
  model: Model,
  file: string,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const nodes = model.graph?.node ?? [];
  const constants = new Map(
    (model.graph?.initializer ?? []).map((tensor) => [tensor.name ?? '', tensor]),
  );
  const first = nodes.findIndex(({ opType }) => opType === 'Conv');
  if (first < 0) throw unsuitable(file, 'it has no convolution');
  const inHalf = nodesAfter(nodes, first);
  const outputs = new Set((model.graph?.output ?? []).map(({ name }) => name ?? ''));
  const made = new Map<string, TensorProto>();
  const casts = new Map<string, GraphNode>();
  const results = new Set(
    [...inHalf].flatMap((one) => (endsInFloat(one) ? [] : (one.output ?? []))),
  );
  const asHalf = (name: string): string => {
    const constant = constants.get(name);
    if (constant && constant.dataType !== elementType.float32) return name;
    if (name === '' || results.has(name)) return halfName(name);
    if (constant) made.set(name, halved(constant, file));
    else casts.set(name, node('Cast', [name], halfName(name), { to: elementType.float16 }));
    return halfName(name);
  };
  const changed = nodes.flatMap((one) => {
    if (!inHalf.has(one)) return [one];
    const before = casts.size;
    const input = (one.input ?? []).map(asHalf);
    if (one.opType === 'Cast') {
      if (!endsInFloat(one)) throw unsuitable(file, 'it converts types between its layers');
      return [{ ...one, input }];
    }
    const output = (one.output ?? []).map(halfName);
    const ends = (one.output ?? []).filter((name) => outputs.has(name));
    return [
      ...[...casts.values()].slice(before),
      { ...one, name: output[0] ?? '', input, output },
      ...ends.map((name) => node('Cast', [halfName(name)], name, { to: elementType.float32 })),
    ];
  });
  const read = new Set(changed.flatMap(({ input }) => input ?? []));
  const kept = [...constants.values()].filter(({ name }) => read.has(name ?? ''));
  return encodeModel({
    ...model,
    metadataProps: metadataProps({ ...modelMetadata(model), ...metadata, precision: 'float16' }),
    graph: { ...model.graph, node: changed, initializer: [...kept, ...made.values()] },
  });
}

const halfName = (name: string): string => (name === '' ? '' : `${name}/half`);

/** A conversion to float32: what comes after it stays as it is. */
function endsInFloat({ opType, attribute }: GraphNode): boolean {
  const to = attribute?.find(({ name }) => name === 'to')?.i;
  return opType === 'Cast' && Number(to) === elementType.float32;
}

/** The node and all that depends on it, up to conversions to float32. */
function nodesAfter(nodes: readonly GraphNode[], first: number): ReadonlySet<GraphNode> {
  const after = new Set<GraphNode>();
  const known = new Set<string>();
  for (const [i, one] of nodes.entries()) {
    if (i !== first && !one.input?.some((name) => known.has(name))) continue;
    after.add(one);
    if (endsInFloat(one)) continue;
    for (const name of one.output ?? []) known.add(name);
  }
  return after;
}

function halved(tensor: TensorProto, file: string): TensorProto {
  const floats = floatsOf(tensor);
  const { dims, values } = floats ?? { dims: [], values: new Float32Array() };
  const bits = new Uint16Array(values.length);
  const tooLarge = toFloat16(values, bits);
  if (tooLarge >= 0) {
    throw unsuitable(file, `a number of "${tensor.name}" is ${values[tooLarge]}`);
  }
  return rawTensor(halfName(tensor.name ?? ''), dims, elementType.float16, bits);
}

function unsuitable(file: string, why: string): HeadstartError {
  return new HeadstartError('BACKBONE_UNSUITABLE', `${file} cannot be in fp16: ${why}. Use fp32.`);
}
