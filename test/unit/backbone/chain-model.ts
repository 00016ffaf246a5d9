import type { InputPreprocessing } from '../../../packages/core/src/onnx/preprocessing.ts';
import { preprocessingNodes } from '../../../packages/core/src/onnx/preprocessing.ts';
import { floatTensor, type GraphNode, node, smallModel } from './models.ts';

/** Of images of the chain. */
export const size = 12;

const numbers = (count: number, seed: number) =>
  Float32Array.from({ length: count }, (_, i) => (Math.sin((i + 1) * 12.9898 * seed) % 1) / 6);

export const conv = (from: string, to: string, attributes = {}) => [
  node('Conv', [from, `${to}/k`, `${to}/b`], `${to}/c`, {
    kernel_shape: [3, 3],
    pads: [1, 1, 1, 1],
    ...attributes,
  }),
  node('Relu', [`${to}/c`], to),
];

export const halve = (from: string, to: string, attributes = {}) =>
  node('MaxPool', [from], to, { kernel_shape: [2, 2], strides: [2, 2], ...attributes });

export interface Parts {
  readonly preprocessing?: InputPreprocessing;
  readonly middle?: readonly GraphNode[];
  readonly after?: readonly GraphNode[];
}

const middleNodes = [
  ...conv('nchw', 'one'),
  ...conv('one', 'two'),
  halve('two', 'pool'),
  ...conv('pool', 'three'),
];

/** A chain of three convolutions over pixels, or what the parts make of it. */
export function chainModel({
  preprocessing = 'torch',
  middle = middleNodes,
  after,
}: Parts = {}): Uint8Array {
  const before = preprocessingNodes(preprocessing, 'image', 'preprocessed');
  const kernels: [string, number, number][] = [
    ['one', 3, 32],
    ['two', 32, 16],
    ['three', 16, 48],
  ];
  return smallModel({
    input: { name: 'image', type: 'uint8', dims: ['N', size, size, 3] },
    outputs: [{ name: 'features', dims: ['N', '?', '?', '?'] }],
    nodes: [
      ...before.nodes,
      node('Transpose', ['preprocessed'], 'nchw', { perm: [0, 3, 1, 2] }),
      ...middle,
      ...(after ?? [node('Transpose', ['three'], 'features', { perm: [0, 2, 3, 1] })]),
    ],
    initializers: [
      ...before.initializers,
      ...kernels.flatMap(([name, inputs, filters], i) => [
        floatTensor(`${name}/k`, [filters, inputs, 3, 3], numbers(filters * inputs * 9, i + 1)),
        floatTensor(`${name}/b`, [filters], numbers(filters, i + 5)),
      ]),
      floatTensor('mean', [1, 1, 1, 48], numbers(48, 9)),
    ],
  });
}
