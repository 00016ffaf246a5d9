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

/** Levels 0..255 of red, green and blue become (scale · level − mean) / deviation. */
export interface Normalization {
  readonly scale: number;
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

export type PixelPreprocessing = InputPreprocessing | Normalization;

/** BGR, as Keras's `preprocess_input` has them. */
const caffeMeans = [103.939, 116.779, 123.68];

/** Normalizations that have a name. */
const named = {
  torch: { scale: 1 / 255, mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] },
  rescale: { scale: 1 / 255, mean: [0, 0, 0], deviation: [1, 1, 1] },
  none: { scale: 1, mean: [0, 0, 0], deviation: [1, 1, 1] },
} as const satisfies Readonly<Record<string, Normalization>>;

/** A normalization by its name, where it has one. */
export function namedPreprocessing(normalization: Normalization): PixelPreprocessing {
  const numbers = ({ scale, mean, deviation }: Normalization) => [scale, ...mean, ...deviation];
  const given = numbers(normalization);
  const kinds = ['torch', 'rescale', 'none'] as const;
  const isSame = (kind: (typeof kinds)[number]) =>
    numbers(named[kind]).every((value, i) => Math.fround(value) === Math.fround(given[i] ?? 0));
  return kinds.find(isSame) ?? normalization;
}

/** As files and runs say it; where it is not known, it is in the model's own graph. */
export function preprocessingText(preprocessing: PixelPreprocessing | undefined): string {
  if (preprocessing === undefined) return 'inside the graph';
  if (typeof preprocessing === 'string') return preprocessing;
  const { scale, mean, deviation } = preprocessing;
  const isUsual = Math.fround(1 / scale) === 255;
  return `mean ${mean.join(' ')}, std ${deviation.join(' ')}, scale ${isUsual ? '1/255' : scale}`;
}

/** Nodes and constants of preprocessing carry this prefix, so that it can be replaced. */
export const preprocessingPrefix = 'preprocess/';

export interface GraphPart {
  readonly nodes: GraphNode[];
  readonly initializers: TensorProto[];
}

/** The nodes from uint8 NHWC RGB `input` to float32 NHWC `output`. */
export function preprocessingNodes(
  preprocessing: PixelPreprocessing,
  input: string,
  output: string,
): GraphPart {
  const p = preprocessingPrefix;
  const cast = node('Cast', [input], `${p}float`, { to: 1 });
  switch (preprocessing) {
    case 'caffe':
      return {
        nodes: [
          cast,
          node('Gather', [`${p}float`, `${p}bgr`], `${p}swapped`, { axis: 3 }),
          node('Sub', [`${p}swapped`, `${p}mean`], output),
        ],
        initializers: [int64Tensor(`${p}bgr`, [2, 1, 0]), perChannel('mean', caffeMeans)],
      };
    case 'rescale':
      return {
        nodes: [cast, node('Div', [`${p}float`, `${p}scale`], output)],
        initializers: [floatTensor(`${p}scale`, [], [255])],
      };
    case 'none':
      return { nodes: [node('Cast', [input], output, { to: 1 })], initializers: [] };
    default: {
      const { scale, mean, deviation } =
        preprocessing === 'torch' ? named[preprocessing] : preprocessing;
      return {
        nodes: [
          cast,
          node('Div', [`${p}float`, `${p}scale`], `${p}scaled`),
          node('Sub', [`${p}scaled`, `${p}mean`], `${p}centred`),
          node('Div', [`${p}centred`, `${p}deviation`], output),
        ],
        initializers: [
          floatTensor(`${p}scale`, [], [1 / scale]),
          perChannel('mean', mean),
          perChannel('deviation', deviation),
        ],
      };
    }
  }
}

function perChannel(name: string, values: readonly number[]): TensorProto {
  return floatTensor(`${preprocessingPrefix}${name}`, [1, 1, 1, 3], values);
}
