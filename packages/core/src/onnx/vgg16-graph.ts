import type { ConvWeights } from './conv-weights.ts';
import {
  elementType,
  encodeModel,
  floatTensor,
  type GraphNode,
  metadataProps,
  node,
  type TensorProto,
  valueInfo,
} from './onnx-model.ts';
import { type InputPreprocessing, preprocessingNodes } from './preprocessing.ts';
import { vgg16Blocks, vgg16FeatureLayer, vgg16ImageSize, vgg16Layer } from './vgg16.ts';

/** Metadata of every file that Headstart writes. */
export const formatVersion = '1';

/** Read by every ONNX Runtime since 1.13 (2022). */
export const opset = 17;
export const irVersion = 8;

export interface BackboneGraph {
  /** `vgg16` or `vgg16-untrained`. */
  readonly name: string;
  /** In the order of VGG16's convolutions. */
  readonly convolutions: readonly ConvWeights[];
  readonly preprocessing: InputPreprocessing;
  /** The layer whose output is the features; default {@link vgg16FeatureLayer}. */
  readonly layer?: string | undefined;
  /** Per channel, features are turned into (x − mean) / deviation. */
  readonly standardization?: ChannelStatistics | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface ChannelStatistics {
  readonly mean: Float32Array;
  readonly deviation: Float32Array;
}

/**
 * VGG16 without its top as an ONNX model: `image` uint8 [N, 224, 224, 3] RGB in, `features` float32
 * NHWC out ([N, 7, 7, 512] of the last layer), preprocessing inside. Same input, same bytes.
 */
export function backboneModel(graph: BackboneGraph): Uint8Array {
  const { name, preprocessing, metadata, standardization, layer = vgg16FeatureLayer } = graph;
  const before = preprocessingNodes(preprocessing, 'image', 'preprocessed');
  const { nodes, initializers, output } = convolutionNodes(graph.convolutions, layer);
  const after = outputNodes(output, standardization);
  const size = vgg16ImageSize;
  const cells = size / 2 ** nodes.filter(({ opType }) => opType === 'MaxPool').length;
  const { channels } = vgg16Layer(layer);
  return encodeModel({
    irVersion,
    producerName: 'headstart',
    opsetImport: [{ domain: '', version: opset }],
    metadataProps: metadataProps({
      ...metadata,
      backbone: name,
      layer,
      preprocessing,
      precision: 'float32',
      'headstart.format': formatVersion,
    }),
    graph: {
      name,
      node: [...before.nodes, ...nodes, ...after.nodes],
      initializer: [...before.initializers, ...initializers, ...after.initializers],
      input: [valueInfo('image', elementType.uint8, ['N', size, size, 3])],
      output: [valueInfo('features', elementType.float32, ['N', cells, cells, channels])],
    },
  });
}

/** Up to the layer. */
function convolutionNodes(weights: readonly ConvWeights[], layer: string) {
  const nodes: GraphNode[] = [node('Transpose', ['preprocessed'], 'nchw', { perm: [0, 3, 1, 2] })];
  const initializers: TensorProto[] = [];
  let [output, index] = ['nchw', 0];
  for (const { convolutions, pool } of vgg16Blocks) {
    for (const { name, inputs, outputs } of convolutions) {
      const { kernel, bias } = weights[index++] as ConvWeights;
      initializers.push(
        floatTensor(`${name}/kernel`, [outputs, inputs, 3, 3], kernel),
        floatTensor(`${name}/bias`, [outputs], bias),
      );
      nodes.push(
        node('Conv', [output, `${name}/kernel`, `${name}/bias`], name, {
          kernel_shape: [3, 3],
          pads: [1, 1, 1, 1],
        }),
        node('Relu', [name], `${name}/relu`),
      );
      output = `${name}/relu`;
      if (name === layer) return { nodes, initializers, output };
    }
    nodes.push(node('MaxPool', [output], pool, { kernel_shape: [2, 2], strides: [2, 2] }));
    output = pool;
    if (pool === layer) break;
  }
  return { nodes, initializers, output };
}

function outputNodes(output: string, standardization: ChannelStatistics | undefined) {
  const perm = { perm: [0, 2, 3, 1] };
  if (!standardization) {
    return { nodes: [node('Transpose', [output], 'features', perm)], initializers: [] };
  }
  const { mean, deviation } = standardization;
  return {
    nodes: [
      node('Transpose', [output], 'nhwc', perm),
      node('Sub', ['nhwc', 'standardize/mean'], 'standardize/centred'),
      node('Div', ['standardize/centred', 'standardize/deviation'], 'features'),
    ],
    initializers: [
      floatTensor('standardize/mean', [1, 1, 1, mean.length], mean),
      floatTensor('standardize/deviation', [1, 1, 1, deviation.length], deviation),
    ],
  };
}
