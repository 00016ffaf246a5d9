import { producersOf } from './graph.ts';
import { type Model, tensorTypeOf } from './onnx-model.ts';

/** Nodes that hand numbers on as they are. */
const handsOn = new Set(['Identity', 'Cast', 'Transpose', 'Flatten', 'Reshape', 'Squeeze']);

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
