import { readFile } from 'node:fs/promises';
import type { LayerSpec, Tensor } from '@headstart/native';
import { HeadstartError } from '../base/errors.ts';
import {
  decodeModel,
  type EncodableModel,
  elementType,
  encodeModel,
  encodeModelParts,
  floatTensor,
  type GraphNode,
  hwioToOihw,
  metadataProps,
  modelMetadata,
  node,
  stringTensor,
  type TensorProto,
  tensorTypeOf,
  valueInfo,
} from './onnx-model.ts';
import { renameGraph, yielding } from './rename.ts';
import { irVersion, opset } from './vgg16-graph.ts';

export interface HeadGraph {
  readonly layers: readonly LayerSpec[];
  /** By name, in Keras's layouts. */
  readonly weights: Readonly<Record<string, Tensor>>;
  /** Class names, by label. */
  readonly classes: readonly string[];
  /** Logits are divided by it before the softmax; default 1. */
  readonly temperature?: number | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Everything that is added to the backbone's graph carries this prefix, but for the outputs. */
export const headPrefix = 'head/';

/** The outputs of a model with a head. */
export const headOutputs = ['probabilities', 'label'] as const;

/**
 * Joins a backbone file and a head to one ONNX model: `image` uint8 [N, H, W, 3] RGB in,
 * `probabilities` float32 [N, K] and `label` string [N] out. Dropout is left out, as in inference.
 *
 * @param backbone a file in the form of our own
 * @throws HeadstartError `BACKBONE_UNSUITABLE`
 */
export async function appendHead(backbone: string, head: HeadGraph): Promise<Uint8Array> {
  return encodeModel(await join(backbone, head));
}

/**
 * As {@link appendHead}, in parts of one file: of a large backbone nothing is copied.
 *
 * @throws HeadstartError `BACKBONE_UNSUITABLE`
 */
export async function appendHeadParts(backbone: string, head: HeadGraph): Promise<Uint8Array[]> {
  return encodeModelParts(await join(backbone, head));
}

async function join(backbone: string, head: HeadGraph): Promise<EncodableModel> {
  const model = decodeModel(await readFile(backbone), backbone);
  const rename = (name: string) => yielding(name, [...headOutputs, headPrefix]);
  const graph = renameGraph(model.graph ?? {}, { tensor: rename, node: rename });
  const features = (graph.output ?? []).find(({ name }) => name === 'features');
  if (!features) {
    throw new HeadstartError('BACKBONE_UNSUITABLE', `${backbone} has no output "features".`);
  }
  const dims = tensorTypeOf(features).dims ?? [];
  const batch = dims[0] ?? 'N';
  const { nodes, initializers, output } = probabilitiesOf(dims.length === 4, head);
  nodes.push(
    node('ArgMax', [output], `${headPrefix}index`, { axis: 1, keepdims: 0 }),
    node('Gather', [`${headPrefix}labels`, `${headPrefix}index`], 'label'),
  );
  initializers.push(stringTensor(`${headPrefix}labels`, head.classes));
  return {
    ...model,
    producerName: 'headstart',
    metadataProps: metadataProps({
      ...modelMetadata(model),
      labels: JSON.stringify(head.classes),
      ...head.metadata,
    }),
    graph: {
      ...graph,
      node: [...(graph.node ?? []), ...nodes],
      initializer: [...(graph.initializer ?? []), ...initializers],
      output: [
        valueInfo('probabilities', elementType.float32, [batch, head.classes.length]),
        valueInfo('label', elementType.string, [batch]),
      ],
    },
  };
}

/**
 * A head as an ONNX model of its own: `features` float32 [N, ...featureShape] in, `probabilities`
 * float32 [N, K] out, by the same nodes as {@link appendHead} adds.
 */
export function headModel(
  featureShape: readonly number[],
  head: Omit<HeadGraph, 'metadata'>,
): Uint8Array {
  const { nodes, initializers, output } = probabilitiesOf(featureShape.length === 3, head);
  return encodeModel({
    irVersion,
    producerName: 'headstart',
    opsetImport: [{ domain: '', version: opset }],
    graph: {
      name: 'head',
      node: nodes,
      initializer: initializers,
      input: [valueInfo('features', elementType.float32, ['N', ...featureShape])],
      output: [valueInfo(output, elementType.float32, ['N', head.classes.length])],
    },
  });
}

function probabilitiesOf(
  isMap: boolean,
  { layers, weights, temperature }: Pick<HeadGraph, 'layers' | 'weights' | 'temperature'>,
) {
  const builder = new HeadBuilder(isMap);
  for (const layer of layers) builder.add(layer, weights);
  if (temperature !== undefined) builder.divide(temperature);
  const { nodes, initializers } = builder;
  const [output] = headOutputs;
  nodes.push(node('Softmax', [builder.output], output, { axis: 1 }));
  return { nodes, initializers, output };
}

/** Translates layers one by one. Maps are NCHW in between, as ONNX's operators want them. */
class HeadBuilder {
  readonly nodes: GraphNode[] = [];
  readonly initializers: TensorProto[] = [];
  output = 'features';
  #count = 0;
  #isMap: boolean;

  constructor(isMap: boolean) {
    this.#isMap = isMap;
    if (isMap) this.#push('Transpose', 'nchw', [], { perm: [0, 3, 1, 2] });
  }

  add(layer: LayerSpec, weights: HeadGraph['weights']): void {
    switch (layer.type) {
      case 'conv2d': {
        const { shape, data } = weightOf(weights, `${layer.name}/kernel`);
        const [height = 1, width = 1, inputs = 1, outputs = 1] = shape;
        const kernel = hwioToOihw(data, height * width, inputs, outputs);
        const name = `${headPrefix}${layer.name}`;
        this.initializers.push(
          floatTensor(`${name}/kernel`, [outputs, inputs, height, width], kernel),
          floatTensor(`${name}/bias`, [outputs], weightOf(weights, `${layer.name}/bias`).data),
        );
        const pads = [height, width, height, width].map((size) => (size - 1) / 2);
        const inputsOf = [`${name}/kernel`, `${name}/bias`];
        this.#push('Conv', layer.name, inputsOf, { kernel_shape: [height, width], pads });
        this.#activate(layer.activation);
        return;
      }
      case 'max_pool2d':
        // Keras's "same" and SAME_UPPER both put the odd cell at the end.
        this.#push('MaxPool', 'pool', [], {
          kernel_shape: [2, 2],
          strides: [2, 2],
          auto_pad: 'SAME_UPPER',
        });
        return;
      case 'global_average_pool2d':
        if (!this.#isMap) return;
        this.#isMap = false;
        this.#push('GlobalAveragePool', 'average', []);
        this.#push('Flatten', 'vector', [], { axis: 1 });
        return;
      case 'flatten':
        if (!this.#isMap) return;
        this.#isMap = false;
        this.#push('Transpose', 'nhwc', [], { perm: [0, 2, 3, 1] });
        this.#push('Flatten', 'flat', [], { axis: 1 });
        return;
      case 'dropout':
        return;
      case 'dense': {
        const name = `${headPrefix}${layer.name}`;
        const kernel = weightOf(weights, `${layer.name}/kernel`);
        const bias = weightOf(weights, `${layer.name}/bias`);
        this.initializers.push(
          floatTensor(`${name}/kernel`, kernel.shape, kernel.data),
          floatTensor(`${name}/bias`, bias.shape, bias.data),
        );
        this.#push('Gemm', layer.name, [`${name}/kernel`, `${name}/bias`]);
        this.#activate(layer.activation);
        return;
      }
      default:
        layer satisfies never;
    }
  }

  divide(temperature: number): void {
    const name = `${headPrefix}temperature`;
    this.initializers.push(floatTensor(name, [], [temperature]));
    this.#push('Div', 'calibrated', [name]);
  }

  #activate(activation: 'relu' | 'linear' | undefined): void {
    if (activation === 'relu') this.#push('Relu', 'relu', []);
  }

  #push(
    opType: string,
    name: string,
    constants: readonly string[],
    attributes: Readonly<Record<string, number | readonly number[] | string>> = {},
  ): void {
    const output = `${headPrefix}${this.#count++}/${name}`;
    this.nodes.push(node(opType, [this.output, ...constants], output, attributes));
    this.output = output;
  }
}

function weightOf(weights: HeadGraph['weights'], name: string): Tensor {
  const tensor = weights[name];
  if (tensor) return tensor;
  throw new HeadstartError('WEIGHTS_INVALID', `The head has no weights called ${name}.`);
}
