import { producersOf } from './graph.ts';
import { type Graph, type GraphNode, type Model, tensorTypeOf } from './onnx-model.ts';

/** Nodes that change the axes of a tensor but none of its numbers. */
const changesAxes = new Set(['Flatten', 'Reshape', 'Squeeze']);

/** Nodes that hand numbers on as they are. */
const handsOn = new Set([...changesAxes, 'Identity', 'Cast', 'Transpose']);

/** Nodes that make scores of scores. */
const rescales = new Set([
  'Softmax',
  'LogSoftmax',
  'Sigmoid',
  'QuantizeLinear',
  'DequantizeLinear',
]);

/** Classes of ImageNet-1k, the same with background, and of ImageNet-21k: no usual number of features. */
const imageNetClasses = new Set([1000, 1001, 21841, 21843]);

/**
 * Why an output is what a classifier makes of features rather than features; undefined where nothing shows it.
 *
 * @param name of the output
 */
export function classScoresIn(model: Model, name: string): string | undefined {
  const producers = producersOf(model.graph?.node ?? []);
  let made = producers.get(name);
  while (made && handsOn.has(made.opType ?? '')) made = producers.get(made.input?.[0] ?? '');
  if (made?.opType === 'Softmax' || made?.opType === 'LogSoftmax') {
    return 'probabilities of classes (it ends in a softmax)';
  }
  const output = model.graph?.output?.find((one) => one.name === name);
  const [, size, ...more] = (output && tensorTypeOf(output).dims) ?? [];
  const isDense = ['Gemm', 'MatMul', 'Add'].includes(made?.opType ?? '');
  if (isDense && size !== undefined && imageNetClasses.has(size) && more.length === 0) {
    return `scores of classes (${size} numbers from a dense layer)`;
  }
  return undefined;
}

export interface DenseLayer {
  readonly name: string;
  /** The tensor that it multiplies by its weights. */
  readonly input: string;
  /** Numbers of the input for one image, where they are known. */
  readonly size: number | undefined;
}

/**
 * The dense layer that makes the scores of a classifier: a Gemm, or a MatMul with or without Add, whose weights
 * are constant, perhaps with a softmax or a change of axes behind it.
 *
 * @param output the scores' or probabilities' name
 */
export function lastDenseLayer(graph: Graph, output: string): DenseLayer | undefined {
  const producers = producersOf(graph.node ?? []);
  const constants = new Map((graph.initializer ?? []).map((one) => [one.name ?? '', one]));
  const isConstant = (name: string): boolean => {
    const made = producers.get(name);
    if (!made) return constants.has(name);
    const type = made.opType ?? '';
    if (type === 'Constant') return true;
    return (handsOn.has(type) || rescales.has(type)) && isConstant(made.input?.[0] ?? '');
  };
  let axesChange = false;
  const skip = (from: string): GraphNode | undefined => {
    const made = producers.get(from);
    const type = made?.opType ?? '';
    if (!handsOn.has(type) && !rescales.has(type)) return made;
    axesChange ||= changesAxes.has(type);
    return skip(made?.input?.[0] ?? '');
  };
  let made = skip(output);
  if (made?.opType === 'Add') {
    const [a = '', b = ''] = made.input ?? [];
    if (isConstant(a) === isConstant(b)) return undefined;
    made = skip(isConstant(a) ? b : a);
  }
  const isGemm = made?.opType === 'Gemm';
  if (!made || (!isGemm && made.opType !== 'MatMul')) return undefined;
  const [input = '', weights = ''] = made.input ?? [];
  const flag = (name: string) => Number(made.attribute?.find((one) => one.name === name)?.i ?? 0);
  if (!isConstant(weights) || isConstant(input) || flag('transA') !== 0) return undefined;
  const [rows, columns] = (constants.get(weights)?.dims ?? []).map(Number);
  // A MatMul multiplies the last axis of several.
  const size = !isGemm && axesChange ? undefined : flag('transB') === 0 ? rows : columns;
  return { name: made.name || (made.output?.[0] ?? ''), input, size };
}
