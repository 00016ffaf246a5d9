import { HeadstartError } from '../base/errors.ts';
import { allNodes } from './graph-walk.ts';
import {
  elementType,
  type Model,
  modelMetadata,
  tensorTypeOf,
  type ValueInfo,
} from './onnx-model.ts';
import { type InputPreprocessing, inputPreprocessings } from './preprocessing.ts';
import type { TokenChoice } from './tokens.ts';
import { nodeInTraining } from './training-mode.ts';

/** The image input in a model's graph. */
export interface ImageInput {
  readonly name: string;
  readonly dtype: 'uint8' | 'float32' | 'float16';
  readonly layout: 'NHWC' | 'NCHW';
  readonly height: number;
  readonly width: number;
  /** The model has no fixed size: the one above is our default. */
  readonly anySize: boolean;
  /** 1 where the model takes one image at a time, or must be given one, else undefined. */
  readonly batch: 1 | undefined;
}

export interface FeatureOutput {
  readonly name: string;
  readonly dtype: 'float32' | 'float16';
  /** 2 of a vector, 3 of tokens of which some are chosen, 4 of a map. */
  readonly rank: 2 | 3 | 4;
  /** Of a map; a vector has none. */
  readonly layout: 'NHWC' | 'NCHW' | undefined;
}

export interface ModelDescription {
  readonly input: ImageInput;
  readonly output: FeatureOutput;
  readonly metadata: Readonly<Record<string, string>>;
  /** Of a float input: from the metadata; a uint8 input has it inside the graph. */
  readonly preprocessing: InputPreprocessing | undefined;
}

/** Height and width of images for a model that takes any size. */
const defaultImageSize = 224;

const fits =
  'A backbone has one image input, [N, H, W, 3] or [N, 3, H, W], uint8 or float, and one output, a feature map or a vector';

/** What of a model's outputs the features are. */
export interface OutputChoice {
  /** The output's name; default: `features`, or the only one. */
  readonly output?: string | undefined;
  /** What of tokens [N, tokens, d] the features are. */
  readonly tokens?: TokenChoice | undefined;
  /** The features are what the last dense layer of a classifier is given. Default false. */
  readonly cutClassifier?: boolean | undefined;
}

/**
 * Reads layout, type and size of a model's input and output from its graph.
 *
 * @throws HeadstartError `BACKBONE_UNSUITABLE` with what does not fit and what would; `USAGE` where it has
 *   no output of the name that was chosen
 */
export function describeModel(
  model: Model,
  file: string,
  { output: wanted, tokens }: Pick<OutputChoice, 'output' | 'tokens'> = {},
): ModelDescription {
  const refuse = refusalOf(file);
  refuseTraining(model, file);
  const graph = model.graph ?? {};
  const constants = new Set((graph.initializer ?? []).map(({ name }) => name));
  const inputs = (graph.input ?? []).filter(({ name }) => !constants.has(name));
  if (inputs.length !== 1) throw refuse(`it has ${inputs.length} inputs`);
  const declared = imageInput(inputs[0] as ValueInfo, refuse);
  const input = quantizesByBatch(model) ? { ...declared, batch: 1 as const } : declared;
  const metadata = modelMetadata(model);
  const chosen = chooseOutput(graph.output ?? [], wanted, file);
  const output = featureOutput(chosen, { input, metadata, tokens, file }, refuse);
  const known = inputPreprocessings.find((kind) => kind === metadata.preprocessing);
  return { input, output, metadata, preprocessing: known };
}

type Refuse = (why: string) => HeadstartError;

function refusalOf(file: string): Refuse {
  return (why) =>
    new HeadstartError('BACKBONE_UNSUITABLE', `${file} cannot be a backbone: ${why}. ${fits}.`);
}

function refuseTraining(model: Model, file: string): void {
  const found = nodeInTraining(model);
  if (!found) return;
  const what = [found.opType, found.name && `"${found.name}"`].filter(Boolean).join(' ');
  const because =
    found.opType === 'Dropout'
      ? 'features would differ from run to run'
      : 'the features of an image would depend on the other images of its batch';
  throw new HeadstartError(
    'BACKBONE_UNSUITABLE',
    `${file} cannot be a backbone: its ${what} is in training mode, so that ${because}. Export the model for use: in PyTorch, call model.eval() before.`,
  );
}

/**
 * Whether numbers are quantized by the range that they have in the batch at hand (dynamic quantization): the
 * features of an image are its own where it comes alone.
 */
function quantizesByBatch(model: Model): boolean {
  return [...allNodes(model)].some(({ opType }) => opType?.startsWith('DynamicQuantize'));
}

function imageInput(value: ValueInfo, refuse: Refuse): ImageInput {
  const name = value.name ?? '';
  const { elemType, dims } = tensorTypeOf(value);
  const dtype = dtypeName(elemType);
  if (dtype === undefined) throw refuse(`its input "${name}" is neither uint8 nor float`);
  if (dims?.length !== 4)
    throw refuse(`its input "${name}" has ${dims?.length ?? 'no'} dimensions`);
  const layout = dims[3] === 3 ? 'NHWC' : dims[1] === 3 ? 'NCHW' : namedLayout(value, dims);
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

/**
 * The output that is named, else `features`, or the only one.
 *
 * @throws HeadstartError `BACKBONE_UNSUITABLE` or `USAGE`
 */
export function chooseOutput(
  outputs: readonly ValueInfo[],
  wanted: string | undefined,
  file: string,
): ValueInfo {
  const called = (name: string) => outputs.find((output) => output.name === name);
  const names = outputs.map(({ name }) => name).join(', ');
  if (wanted !== undefined) {
    const value = called(wanted);
    if (value) return value;
    throw new HeadstartError('USAGE', `${file} has no output "${wanted}": it has ${names}.`);
  }
  // `probabilities` is what a run's own model gives.
  const value =
    called('features') ??
    called('probabilities') ??
    (outputs.length === 1 ? outputs[0] : undefined);
  if (value) return value;
  throw refusalOf(file)(
    `it has ${outputs.length} outputs (${names}) and none is called "features": choose one with \`output\``,
  );
}

/** Of an input whose dimensions are names alone, as `num_channels`: where the channels stand. */
function namedLayout(
  { type }: ValueInfo,
  dims: readonly (number | undefined)[],
): 'NHWC' | 'NCHW' | undefined {
  const names = (type?.tensorType?.shape?.dim ?? []).map(({ dimParam }) => dimParam ?? '');
  const isChannels = (at: number) => dims[at] === undefined && /^c$|chan/i.test(names[at] ?? '');
  if (isChannels(1) === isChannels(3)) return undefined;
  return isChannels(1) ? 'NCHW' : 'NHWC';
}

interface OutputContext extends Pick<ModelDescription, 'input' | 'metadata'> {
  readonly tokens: TokenChoice | undefined;
  readonly file: string;
}

function featureOutput(
  value: ValueInfo,
  { input, metadata, tokens, file }: OutputContext,
  refuse: Refuse,
): FeatureOutput {
  const name = value.name ?? '';
  const { elemType, dims } = tensorTypeOf(value);
  const dtype = dtypeName(elemType);
  if (dtype !== 'float32' && dtype !== 'float16') throw refuse(`its output "${name}" is not float`);
  const rank = dims?.length;
  const isTokens = rank === 3;
  if (isTokens && tokens === undefined) {
    throw refuse(
      `its output "${name}" gives tokens, [${(dims ?? []).map((d) => d ?? '?').join(', ')}]: choose \`tokens\` cls, mean or cls+mean`,
    );
  }
  if (!isTokens && tokens !== undefined) {
    throw new HeadstartError(
      'USAGE',
      `The output "${name}" of ${file} gives no tokens [N, tokens, d]: leave out \`tokens\`.`,
      { option: 'tokens' },
    );
  }
  if (rank !== 2 && rank !== 3 && rank !== 4) {
    throw refuse(
      `its output "${name}" has ${rank ?? 'an unknown number of'} dimensions, not 2, 3 or 4`,
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
