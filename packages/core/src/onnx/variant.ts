import { HeadstartError } from '../base/errors.ts';
import { describeModel } from './inspect.ts';
import {
  decodeModel,
  elementType,
  encodeModel,
  type Graph,
  type Model,
  metadataProps,
  modelMetadata,
  node,
  valueInfo,
} from './onnx-model.ts';
import {
  type InputPreprocessing,
  preprocessingNodes,
  preprocessingPrefix,
} from './preprocessing.ts';
import { isVgg16Layer, vgg16Layer, vgg16Layers } from './vgg16.ts';

/** What may differ from a backbone as it was made; undefined leaves it as it is. */
export interface BackboneVariant {
  readonly preprocessing?: InputPreprocessing | undefined;
  /** The layer whose output is the features, by Keras's name: `block4_pool`. */
  readonly layer?: string | undefined;
  /** Height and width of images in pixels: for VGG16 a multiple of 32. */
  readonly imageSize?: number | undefined;
}

/** Sides of VGG16's images are multiples of this: five pools halve them. */
export const imageSizeStep = 32;
export const largestImageSize = 2048;

/**
 * Holds a variant to what VGG16 has.
 *
 * @throws HeadstartError `USAGE` where there is no such layer, or images have no such size
 */
export function checkVariant({ layer, imageSize }: BackboneVariant): void {
  if (layer !== undefined && !isVgg16Layer(layer)) {
    throw new HeadstartError(
      'USAGE',
      `VGG16 has no layer "${layer}": there are ${vgg16Layers.join(', ')}.`,
    );
  }
  if (imageSize === undefined) return;
  const fits = imageSize % imageSizeStep === 0 && imageSize > 0 && imageSize <= largestImageSize;
  if (fits) return;
  throw new HeadstartError(
    'USAGE',
    `Images cannot be ${imageSize} pixels wide: give a multiple of ${imageSizeStep} up to ${largestImageSize}.`,
  );
}

/** What is to differ from a VGG16 of ours; undefined where nothing is. */
export function changesOf(
  { preprocessing, layer, imageSize }: BackboneVariant,
  made: {
    readonly preprocessing: string;
    readonly layer?: string | undefined;
    readonly imageSize: number;
  },
): BackboneVariant | undefined {
  const changes = {
    preprocessing: preprocessing === made.preprocessing ? undefined : preprocessing,
    layer: layer === made.layer ? undefined : layer,
    imageSize: imageSize === made.imageSize ? undefined : imageSize,
  };
  return Object.values(changes).some((value) => value !== undefined) ? changes : undefined;
}

/** For the file's name: `rescale-block4_pool-192`. */
export function suffixOf({ preprocessing, layer, imageSize }: BackboneVariant): string {
  return [preprocessing, layer, imageSize].filter((part) => part !== undefined).join('-');
}

/**
 * A variant of a backbone in the form of our own.
 *
 * @throws HeadstartError `USAGE` where the model has no such layer
 */
export function variantOf(bytes: Uint8Array, file: string, variant: BackboneVariant): Uint8Array {
  const { preprocessing, layer, imageSize } = variant;
  let model = decodeModel(bytes, file);
  if (layer !== undefined && layer !== modelMetadata(model).layer) {
    model = cutAfter(model, layer, file);
  }
  if (preprocessing !== undefined) model = preprocessed(model, preprocessing);
  if (imageSize !== undefined) model = sized(model, imageSize, file);
  return encodeModel(model);
}

/** Replaces preprocessing. */
function preprocessed(model: Model, preprocessing: InputPreprocessing): Model {
  const isOld = (part: { readonly name?: string | null }) =>
    part.name?.startsWith(preprocessingPrefix) || part.name === 'preprocessed';
  const part = preprocessingNodes(preprocessing, 'image', 'preprocessed');
  const { node: nodes = [], initializer = [] } = model.graph ?? {};
  return changed(
    model,
    { preprocessing },
    {
      node: [...part.nodes, ...(nodes ?? []).filter((one) => !isOld(one))],
      initializer: [...part.initializers, ...(initializer ?? []).filter((one) => !isOld(one))],
    },
  );
}

/** Takes away what comes after the layer. */
function cutAfter(model: Model, layer: string, file: string): Model {
  const { tensor, channels } = vgg16Layer(layer);
  const nodes = model.graph?.node ?? [];
  const last = nodes.findIndex(({ output }) => output?.includes(tensor));
  if (last < 0) {
    throw new HeadstartError('USAGE', `${file} has no layer ${layer}: leave out \`layer\`.`, {
      option: 'layer',
    });
  }
  const kept = nodes.slice(0, last + 1);
  const read = new Set(kept.flatMap(({ input }) => input ?? []));
  return changed(
    model,
    { layer },
    {
      node: [...kept, node('Transpose', [tensor], 'features', { perm: [0, 2, 3, 1] })],
      initializer: (model.graph?.initializer ?? []).filter(({ name }) => read.has(name ?? '')),
      output: [valueInfo('features', elementType.float32, ['N', 'height', 'width', channels])],
    },
  );
}

/** Declares another size of images; the output's follows when the model runs. */
function sized(model: Model, size: number, file: string): Model {
  const { input } = describeModel(model, file);
  const outputs = (model.graph?.output ?? []).map((output) => {
    const dims = output.type?.tensorType?.shape?.dim ?? [];
    const channels = Number(dims.at(-1)?.dimValue ?? 0);
    return dims.length === 4
      ? valueInfo(output.name ?? '', elementType.float32, ['N', 'height', 'width', channels])
      : output;
  });
  return changed(
    model,
    {},
    {
      input: [valueInfo(input.name, elementType.uint8, [input.batch ?? 'N', size, size, 3])],
      output: outputs,
    },
  );
}

function changed(
  model: Model,
  metadata: Readonly<Record<string, string>>,
  graph: Partial<Graph>,
): Model {
  const props = metadataProps({ ...modelMetadata(model), ...metadata });
  return { ...model, metadataProps: props, graph: { ...model.graph, ...graph } } as Model;
}
