import { floatTensor, type GraphNode, int64Tensor, node, type TensorProto } from './onnx-model.ts';

/**
 * What is done to RGB pixels 0..255 before the first layer:
 * - `caffe`: BGR, ImageNet mean subtracted (what Keras's VGG16 weights were trained with);
 * - `torch`: ÷255, ImageNet mean and standard deviation (torchvision's weights);
 * - `rescale`: ÷255 only (what the original script does);
 * - `none`: the pixels as they are.
 */
export type InputPreprocessing = 'caffe' | 'torch' | 'rescale' | 'none';

export const inputPreprocessings = ['caffe', 'torch', 'rescale', 'none'] as const;

/** BGR, as Keras's `preprocess_input` has them. */
const caffeMeans = [103.939, 116.779, 123.68];
/** RGB, of pixels ÷ 255. */
const torchMeans = [0.485, 0.456, 0.406];
const torchDeviations = [0.229, 0.224, 0.225];

/** Nodes and constants of preprocessing carry this prefix, so that it can be replaced. */
export const preprocessingPrefix = 'preprocess/';

export interface GraphPart {
  readonly nodes: GraphNode[];
  readonly initializers: TensorProto[];
}

/** The nodes from uint8 NHWC RGB `input` to float32 NHWC `output`. */
export function preprocessingNodes(
  kind: InputPreprocessing,
  input: string,
  output: string,
): GraphPart {
  const p = preprocessingPrefix;
  const perChannel = (name: string, values: readonly number[]) =>
    floatTensor(`${p}${name}`, [1, 1, 1, 3], values);
  const scale = floatTensor(`${p}scale`, [], [255]);
  const cast = node('Cast', [input], `${p}float`, { to: 1 });
  switch (kind) {
    case 'caffe':
      return {
        nodes: [
          cast,
          node('Gather', [`${p}float`, `${p}bgr`], `${p}swapped`, { axis: 3 }),
          node('Sub', [`${p}swapped`, `${p}mean`], output),
        ],
        initializers: [int64Tensor(`${p}bgr`, [2, 1, 0]), perChannel('mean', caffeMeans)],
      };
    case 'torch':
      return {
        nodes: [
          cast,
          node('Div', [`${p}float`, `${p}scale`], `${p}scaled`),
          node('Sub', [`${p}scaled`, `${p}mean`], `${p}centred`),
          node('Div', [`${p}centred`, `${p}deviation`], output),
        ],
        initializers: [
          scale,
          perChannel('mean', torchMeans),
          perChannel('deviation', torchDeviations),
        ],
      };
    case 'rescale':
      return {
        nodes: [cast, node('Div', [`${p}float`, `${p}scale`], output)],
        initializers: [scale],
      };
    case 'none':
      return { nodes: [node('Cast', [input], output, { to: 1 })], initializers: [] };
    default:
      return kind satisfies never;
  }
}
