import { HeadstartError } from '../base/errors.ts';
import {
  elementType,
  type Model,
  modelMetadata,
  tensorTypeOf,
  type ValueInfo,
} from './onnx-model.ts';
import { type InputPreprocessing, inputPreprocessings } from './preprocessing.ts';

/** What a model's graph says of its image input. */
export interface ImageInput {
  readonly name: string;
  readonly dtype: 'uint8' | 'float32' | 'float16';
  readonly layout: 'NHWC' | 'NCHW';
  readonly height: number;
  readonly width: number;
  /** The model says no size: the one above is our default. */
  readonly anySize: boolean;
  /** 1 where the model takes one image at a time, else undefined. */
  readonly batch: 1 | undefined;
}

export interface FeatureOutput {
  readonly name: string;
  readonly dtype: 'float32' | 'float16';
  readonly rank: 2 | 4;
  /** Of a map; a vector has none. */
  readonly layout: 'NHWC' | 'NCHW' | undefined;
}

export interface ModelDescription {
  readonly input: ImageInput;
  readonly output: FeatureOutput;
  readonly metadata: Readonly<Record<string, string>>;
  /** Of a float input: as the metadata says; a uint8 input has it inside the graph. */
  readonly preprocessing: InputPreprocessing | undefined;
}

/** Height and width of images for a model that takes any size. */
const defaultImageSize = 224;

const fits =
  'A backbone has one image input, [N, H, W, 3] or [N, 3, H, W], uint8 or float, and one output, a feature map or a vector';

/**
 * Reads layout, type and size of a model's input and output from its graph.
 *
 * @throws HeadstartError `BACKBONE_UNSUITABLE` with what does not fit and what would
 */
export function describeModel(model: Model, file: string): ModelDescription {
  const refuse = (why: string) =>
    new HeadstartError('BACKBONE_UNSUITABLE', `${file} cannot be a backbone: ${why}. ${fits}.`);
  const graph = model.graph ?? {};
  if ((graph.initializer ?? []).some((tensor) => tensor.externalData?.length)) {
    throw refuse('its weights are in another file (external data): save it as one file');
  }
  const constants = new Set((graph.initializer ?? []).map(({ name }) => name));
  const inputs = (graph.input ?? []).filter(({ name }) => !constants.has(name));
  if (inputs.length !== 1) throw refuse(`it has ${inputs.length} inputs`);
  const input = imageInput(inputs[0] as ValueInfo, refuse);
  const metadata = modelMetadata(model);
  const output = featureOutput(graph.output ?? [], input, metadata, refuse);
  const known = inputPreprocessings.find((kind) => kind === metadata.preprocessing);
  return { input, output, metadata, preprocessing: known };
}

type Refuse = (why: string) => HeadstartError;

function imageInput(value: ValueInfo, refuse: Refuse): ImageInput {
  const name = value.name ?? '';
  const { elemType, dims } = tensorTypeOf(value);
  const dtype = dtypeName(elemType);
  if (dtype === undefined) throw refuse(`its input "${name}" is neither uint8 nor float`);
  if (dims?.length !== 4)
    throw refuse(`its input "${name}" has ${dims?.length ?? 'no'} dimensions`);
  const layout = dims[3] === 3 ? 'NHWC' : dims[1] === 3 ? 'NCHW' : undefined;
  const shape = dims.map((d) => d ?? '?').join(', ');
  if (!layout) throw refuse(`its input "${name}" is [${shape}], without 3 colour channels`);
  const [height, width] = layout === 'NHWC' ? [dims[1], dims[2]] : [dims[2], dims[3]];
  const batch = dims[0];
  if (batch !== undefined && batch !== 1) {
    throw refuse(`it takes exactly ${batch} images at a time (input [${shape}])`);
  }
  return {
    name,
    dtype,
    layout,
    height: height ?? defaultImageSize,
    width: width ?? defaultImageSize,
    anySize: height === undefined && width === undefined,
    batch,
  };
}

function featureOutput(
  outputs: readonly ValueInfo[],
  input: ImageInput,
  metadata: Readonly<Record<string, string>>,
  refuse: Refuse,
): FeatureOutput {
  // `probabilities` is what a run's own model gives.
  const value =
    outputs.find(({ name }) => name === 'features') ??
    outputs.find(({ name }) => name === 'probabilities') ??
    (outputs.length === 1 ? outputs[0] : undefined);
  if (!value) {
    const names = outputs.map(({ name }) => name).join(', ');
    throw refuse(`it has ${outputs.length} outputs (${names}) and none is called "features"`);
  }
  const name = value.name ?? '';
  const { elemType, dims } = tensorTypeOf(value);
  const dtype = dtypeName(elemType);
  if (dtype !== 'float32' && dtype !== 'float16') throw refuse(`its output "${name}" is not float`);
  const rank = dims?.length;
  if (rank !== 2 && rank !== 4) {
    throw refuse(
      `its output "${name}" has ${rank ?? 'an unknown number of'} dimensions, not 2 or 4`,
    );
  }
  const stated = metadata.output_layout;
  const layout = stated === 'NHWC' || stated === 'NCHW' ? stated : input.layout;
  return { name, dtype, rank, layout: rank === 4 ? layout : undefined };
}

function dtypeName(elemType: number): 'uint8' | 'float32' | 'float16' | undefined {
  switch (elemType) {
    case elementType.uint8:
      return 'uint8';
    case elementType.float32:
      return 'float32';
    case elementType.float16:
      return 'float16';
    default:
      return undefined;
  }
}
