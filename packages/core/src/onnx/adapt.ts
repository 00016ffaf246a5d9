import { HeadstartError } from '../base/errors.ts';
import { describeModel, type ModelDescription, type OutputChoice } from './inspect.ts';
import {
  elementType,
  encodeModel,
  type Graph,
  type GraphNode,
  type Model,
  metadataProps,
  modelMetadata,
  node,
  type TensorProto,
  tensorTypeOf,
  valueInfo,
} from './onnx-model.ts';
import {
  type GraphPart,
  type PixelPreprocessing,
  preprocessingNodes,
  preprocessingPrefix,
  preprocessingText,
} from './preprocessing.ts';
import { renameGraph, yielding } from './rename.ts';
import { patchesOf, type TokenChoice, tokenNodes } from './tokens.ts';

/** True where a model already has the form of our own files: see {@link adaptModel}. */
export function isCanonical({ input, output }: ModelDescription): boolean {
  return (
    input.name === 'image' &&
    input.dtype === 'uint8' &&
    input.layout === 'NHWC' &&
    output.name === 'features' &&
    output.dtype === 'float32' &&
    output.rank !== 3 &&
    output.layout !== 'NCHW'
  );
}

/** Names of what is added. */
const added = ['image', 'features', 'preprocessed', 'adapt/', preprocessingPrefix];

/** From this version of the format on, constants need not be declared as inputs. */
const firstIrWithoutDeclaredConstants = 4;

export interface AdaptOptions extends Pick<OutputChoice, 'output' | 'tokens'> {
  /** Of a float input; undefined takes it from the model's metadata. */
  readonly preprocessing: PixelPreprocessing | undefined;
  /** How images are to be brought to the size, for the file's metadata. */
  readonly images?: Readonly<Record<'resize' | 'fit', string>> | undefined;
  /** Where the weights are from, for the file's metadata. */
  readonly source?: string | undefined;
  /** Of images, in pixels. */
  readonly size: { readonly height: number; readonly width: number };
  /** The model takes one image at a time, whatever it declares. */
  readonly oneByOne?: boolean | undefined;
}

/**
 * Brings any fitting model to the form of our own: `image` uint8 [N, H, W, 3] RGB in, `features`
 * float32 [N, h, w, c] or [N, d] out, with preprocessing inside. Its own nodes keep what they do;
 * outputs that are not the features are dropped.
 *
 * @throws HeadstartError `BACKBONE_UNSUITABLE`
 */
export function adaptModel(
  model: Model,
  file: string,
  { preprocessing, images, source, size, oneByOne, ...choice }: AdaptOptions,
): Uint8Array {
  const description = describeModel(model, file, choice);
  const { input, output } = description;
  const batch = oneByOne ? 1 : (input.batch ?? 'N');
  const before = inputNodes(description, file, preprocessing);
  const own = ownGraph(model.graph ?? {}, description);
  const after = outputNodes(model, file, { output, size, tokens: choice.tokens });
  return encodeModel({
    ...model,
    irVersion: Math.max(Number(model.irVersion), firstIrWithoutDeclaredConstants),
    metadataProps: metadataProps({
      ...modelMetadata(model),
      ...images,
      ...(source === undefined ? {} : { source }),
      preprocessing: preprocessingText(
        (input.dtype === 'uint8' ? undefined : preprocessing) ?? description.preprocessing,
      ),
    }),
    graph: {
      ...own,
      node: [...before.nodes, ...(own.node ?? []), ...after.nodes],
      initializer: [...(own.initializer ?? []), ...before.initializers, ...after.initializers],
      input: [valueInfo('image', elementType.uint8, [batch, size.height, size.width, 3])],
      output: [
        valueInfo(
          'features',
          elementType.float32,
          featureDims(model, output, batch, choice.tokens),
        ),
      ],
    },
  });
}

/** The model's graph, with input and output under the names that our nodes join. */
function ownGraph(graph: Graph, { input, output }: ModelDescription): Graph {
  return renameGraph(graph, {
    tensor: (name) => {
      if (name === input.name) return 'adapt/image';
      return name === output.name ? 'adapt/features' : yielding(name, added);
    },
    node: (name) => yielding(name, added),
  });
}

function featureDims(
  model: Model,
  output: ModelDescription['output'],
  ofInput: number | string,
  tokens: TokenChoice | undefined,
): (number | string)[] {
  const declared = (model.graph?.output ?? []).find(({ name }) => name === output.name);
  const [batch, ...rest] = tensorTypeOf(declared ?? {}).dims ?? [];
  if (tokens !== undefined) {
    const [, size] = rest.splice(0);
    rest.push(tokens === 'cls+mean' && size !== undefined ? 2 * size : size);
  }
  if (output.layout === 'NCHW') rest.push(rest.shift());
  return [batch === 1 || ofInput === 1 ? 1 : 'N', ...rest.map((d, i) => d ?? `features_${i}`)];
}

function inputNodes(
  { input, preprocessing: stated }: ModelDescription,
  file: string,
  chosen: PixelPreprocessing | undefined,
): { nodes: GraphNode[]; initializers: TensorProto[] } {
  const perm = input.layout === 'NCHW' ? [0, 3, 1, 2] : undefined;
  if (input.dtype === 'uint8') {
    return { nodes: [turned('image', 'adapt/image', perm)], initializers: [] };
  }
  const kind = chosen ?? stated;
  if (kind === undefined) {
    throw new HeadstartError(
      'BACKBONE_UNSUITABLE',
      `${file} takes float pixels and names no preprocessing: give \`preprocess\` caffe, torch, rescale or none, or its preprocessor_config.json, or give \`mean\` and \`std\`.`,
      { option: 'preprocess' },
    );
  }
  const { nodes, initializers } = preprocessingNodes(kind, 'image', 'preprocessed');
  nodes.push(turned('preprocessed', 'adapt/turned', perm));
  nodes.push(node('Cast', ['adapt/turned'], 'adapt/image', { to: elementType[input.dtype] }));
  return { nodes, initializers };
}

function outputNodes(
  model: Model,
  file: string,
  {
    output,
    size,
    tokens,
  }: Pick<ModelDescription, 'output'> & Pick<AdaptOptions, 'size' | 'tokens'>,
): GraphPart {
  const cast = node('Cast', ['adapt/features'], 'adapt/float', { to: elementType.float32 });
  if (tokens === undefined) {
    const perm = output.layout === 'NCHW' ? [0, 2, 3, 1] : undefined;
    return { nodes: [cast, turned('adapt/float', 'features', perm)], initializers: [] };
  }
  const declared = model.graph?.output?.find(({ name }) => name === output.name);
  const count = tensorTypeOf(declared ?? {}).dims?.[1];
  const chosen = { choice: tokens, count, patches: patchesOf(model, size) };
  const { nodes, initializers } = tokenNodes(chosen, 'adapt/float', 'features', file);
  return { nodes: [cast, ...nodes], initializers };
}

/**
 * A change of layout, or none. "None" must not be written as Transpose: ONNX Runtime (1.29) fuses a
 * Transpose of rank 2 into the Gemm after it without looking at its permutation.
 */
function turned(from: string, to: string, perm: readonly number[] | undefined): GraphNode {
  return perm ? node('Transpose', [from], to, { perm }) : node('Identity', [from], to);
}
