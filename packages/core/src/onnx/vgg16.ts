/**
 * VGG16 without its top as data: configuration D of K. Simonyan and A. Zisserman, "Very Deep
 * Convolutional Networks for Large-Scale Image Recognition", 2014 (arXiv 1409.1556), with the layer
 * names of Keras. Every convolution is 3x3, same padding, ReLU; every block ends in a 2x2 max pool.
 */

export interface ConvLayer {
  /** `block1_conv1` */
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
}

export interface VggBlock {
  readonly convolutions: readonly ConvLayer[];
  /** `block1_pool` */
  readonly pool: string;
}

/** [convolutions, channels] of each block. */
const configuration = [
  [2, 64],
  [2, 128],
  [3, 256],
  [3, 512],
  [3, 512],
] as const;

export const vgg16Blocks: readonly VggBlock[] = configuration.map(([count, outputs], block) => ({
  convolutions: Array.from({ length: count }, (_, i) => ({
    name: `block${block + 1}_conv${i + 1}`,
    inputs: i > 0 ? outputs : (configuration[block - 1]?.[1] ?? 3),
    outputs,
  })),
  pool: `block${block + 1}_pool`,
}));

/** The 13 convolutions, in order. */
export const vgg16Convolutions: readonly ConvLayer[] = vgg16Blocks.flatMap(
  ({ convolutions }) => convolutions,
);

/** Height and width of the input, in pixels. */
export const vgg16ImageSize = 224;

/** The layer whose output is the features: [7, 7, 512]. */
export const vgg16FeatureLayer = 'block5_pool';

export const vgg16Citation =
  'VGG16 by K. Simonyan and A. Zisserman (Visual Geometry Group, Oxford), CC BY 4.0, arXiv 1409.1556';

/** The layers whose output can be features, by Keras's names, in order. */
export const vgg16Layers: readonly string[] = vgg16Blocks.flatMap(({ convolutions, pool }) => [
  ...convolutions.map(({ name }) => name),
  pool,
]);

export function isVgg16Layer(name: string): boolean {
  return vgg16Layers.includes(name);
}

/** A layer in our graph: the tensor of its output, its channels, and the convolutions up to it. */
export function vgg16Layer(name: string): {
  readonly tensor: string;
  readonly channels: number;
  readonly convolutions: number;
} {
  const before = vgg16Layers.slice(0, vgg16Layers.indexOf(name) + 1);
  const convolutions = before.filter((layer) => !layer.endsWith('_pool')).length;
  return {
    // As in Keras, a convolution's output is what its ReLU gives.
    tensor: name.endsWith('_pool') ? name : `${name}/relu`,
    channels: vgg16Convolutions[convolutions - 1]?.outputs ?? 0,
    convolutions,
  };
}
