import { HeadstartError } from '../base/errors.ts';
import {
  clipsAtZero,
  consumersOf,
  type Floats,
  floatsOf,
  fusedActivation,
  producersOf,
} from './graph.ts';
import {
  elementType,
  encodeModel,
  floatTensor,
  type GraphNode,
  type Model,
  metadataProps,
  modelMetadata,
  node,
  rawTensor,
  type TensorProto,
  type ValueInfo,
} from './onnx-model.ts';
import { foldPixels, type PixelInput, paddingLevel, pixelInputOf } from './pixel-input.ts';

/** What an 8-bit tensor can hold: lower ≤ 0 ≤ upper. */
export interface TensorRange {
  readonly lower: number;
  readonly upper: number;
}

/** Quantized: value = scale · (q − zeroPoint), q in 0 … 255. */
interface Quantized {
  readonly name: string;
  readonly scale: number;
  readonly zeroPoint: number;
  /** Constants of the graph that hold the two. */
  readonly constants: readonly [string, string];
}

/**
 * A model whose convolutions multiply 8-bit numbers: activations uint8, one scale a tensor; kernels
 * int8, one scale an output channel; sums in int32 (B. Jacob et al., "Quantization and training of
 * neural networks for efficient integer-arithmetic-only inference", CVPR 2018). Inputs and outputs
 * are as before. ReLU and Clip after a convolution become part of its output's range; max pools stay
 * in 8 bits, and so do Add and Concat, which ONNX Runtime fuses with the numbers' conversions. The
 * preprocessing of pixels becomes part of the convolution that reads them.
 *
 * @param ranges of every float tensor that becomes 8-bit; see {@link calibratedTensors}
 * @throws HeadstartError `BACKBONE_UNSUITABLE` where there is no convolution to quantize
 */
export function quantizeModel(
  model: Model,
  ranges: ReadonlyMap<string, TensorRange>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const writer = new GraphWriter(model, ranges);
  const nodes = model.graph?.node ?? [];
  for (const one of nodes) writer.take(one);
  for (const { name } of model.graph?.output ?? []) writer.asFloat(name ?? '');
  if (writer.convolutions === 0) {
    throw new HeadstartError(
      'BACKBONE_UNSUITABLE',
      'The backbone has no convolution with constant weights: int8 would change nothing. Use fp32.',
    );
  }
  return encodeModel({
    ...model,
    metadataProps: metadataProps({ ...modelMetadata(model), ...metadata, precision: 'int8' }),
    graph: { ...model.graph, ...writer.finish() },
  });
}

class GraphWriter {
  readonly nodes: GraphNode[] = [];
  convolutions = 0;
  readonly #ranges: ReadonlyMap<string, TensorRange>;
  readonly #inputs: readonly ValueInfo[];
  readonly #producers: ReadonlyMap<string, GraphNode>;
  readonly #constants: Map<string, TensorProto>;
  readonly #added: TensorProto[] = [];
  readonly #consumers: ReadonlyMap<string, readonly GraphNode[]>;
  readonly #outputs: ReadonlySet<string>;
  readonly #quantized = new Map<string, Quantized>();
  /** Quantized tensors that are there in float32 too. */
  readonly #inFloat = new Set<string>();
  /** Activations that a convolution or an Add has taken over. */
  readonly #fused = new Set<GraphNode>();

  constructor(model: Model, ranges: ReadonlyMap<string, TensorRange>) {
    const { node: nodes = [], initializer = [], input = [], output = [] } = model.graph ?? {};
    this.#inputs = (input ?? []) as readonly ValueInfo[];
    this.#producers = producersOf(nodes ?? []);
    this.#ranges = ranges;
    this.#constants = new Map((initializer ?? []).map((tensor) => [tensor.name ?? '', tensor]));
    this.#consumers = consumersOf(nodes ?? []);
    this.#outputs = new Set((output ?? []).map(({ name }) => name ?? ''));
  }

  take(one: GraphNode): void {
    if (this.#fused.has(one)) return;
    switch (one.opType) {
      case 'Conv':
        if (this.#takeConvolution(one)) return;
        break;
      case 'MaxPool':
      case 'Transpose':
        if (this.#takeUnchanged(one)) return;
        break;
      case 'Add':
      case 'Concat':
        if (this.#takeBetween(one)) return;
        break;
      default:
    }
    for (const name of one.input ?? []) this.asFloat(name);
    this.nodes.push(one);
  }

  /** Makes sure that the tensor is there as float32. */
  asFloat(name: string): void {
    const quantized = this.#quantized.get(name);
    if (!quantized || this.#inFloat.has(name)) return;
    this.#inFloat.add(name);
    this.nodes.push(node('DequantizeLinear', [quantized.name, ...quantized.constants], name));
  }

  /** Nodes that something needs, and the constants of these. */
  finish(): { node: GraphNode[]; initializer: TensorProto[] } {
    const needed = new Set(this.#outputs);
    const kept: GraphNode[] = [];
    for (const one of [...this.nodes].reverse()) {
      if (!one.output?.some((name) => needed.has(name))) continue;
      for (const name of one.input ?? []) needed.add(name);
      kept.unshift(one);
    }
    const constants = [...this.#constants.values(), ...this.#added];
    return {
      // Names must differ, as those of outputs do.
      node: kept.map((one) => ({ ...one, name: one.output?.[0] ?? '' })),
      initializer: constants.filter(({ name }) => needed.has(name ?? '')),
    };
  }

  #takeConvolution(one: GraphNode): boolean {
    const [from = '', kernelName = '', biasName] = one.input ?? [];
    let kernel = floatsOf(this.#constants.get(kernelName));
    let bias = biasName ? floatsOf(this.#constants.get(biasName)) : undefined;
    const activation = this.#activationAfter(one);
    const output = (activation ?? one).output?.[0] ?? '';
    if (!kernel || (biasName && !bias) || !this.#ranges.has(output)) return false;
    const pixels = pixelInputOf(from, {
      producers: this.#producers,
      constants: this.#constants,
      inputs: this.#inputs,
    });
    // Of a convolution in groups, a kernel does not see all channels.
    const folds = pixels !== undefined && kernel.dims[1] === pixels.scale.length;
    const x = folds ? this.#pixels(from, pixels) : this.#asEightBits(from);
    if (!x) return false;
    if (folds) [kernel, bias] = foldPixels(kernel, bias, pixels, x.zeroPoint);
    const y = this.#parameters(output);
    const weights = this.#quantizeKernel(kernelName, kernel, bias, x.scale);
    const sums = bias && this.#quantizeBias(biasName || output, bias, weights.scales, x.scale);
    this.nodes.push({
      ...one,
      opType: 'QLinearConv',
      input: [
        ...[x.name, ...x.constants],
        ...weights.names,
        ...y.constants,
        ...(sums === undefined ? [] : [sums]),
      ],
      output: [y.name],
    });
    this.convolutions++;
    if (activation) this.#fused.add(activation);
    this.#quantized.set(output, y);
    return true;
  }

  /** What only moves numbers: the same in 8 bits. */
  #takeUnchanged(one: GraphNode): boolean {
    const [from = '', output = ''] = [one.input?.[0], one.output?.[0]];
    const x = this.#quantized.get(from);
    if (!x || one.output?.length !== 1) return false;
    const y = { ...x, name: `${output}/q` };
    this.nodes.push({ ...one, input: [x.name], output: [y.name] });
    this.#quantized.set(output, y);
    return true;
  }

  /** Float between conversions from and to 8 bits: ONNX Runtime makes one node of all. */
  #takeBetween(one: GraphNode): boolean {
    const inputs = one.input ?? [];
    const activation = one.opType === 'Add' ? this.#activationAfter(one) : undefined;
    const output = (activation ?? one).output?.[0] ?? '';
    if (!inputs.every((name) => this.#quantized.has(name)) || !this.#ranges.has(output)) {
      return false;
    }
    for (const name of inputs) this.asFloat(name);
    const plain = `${output}/f`;
    this.nodes.push({ ...one, output: [plain] });
    if (activation) this.#fused.add(activation);
    const y = this.#parameters(output);
    this.nodes.push(node('QuantizeLinear', [plain, ...y.constants], y.name));
    this.#quantized.set(output, y);
    return true;
  }

  /** A ReLU or Clip that cuts at zero and alone takes the node's output. */
  #activationAfter(one: GraphNode): GraphNode | undefined {
    const activation = fusedActivation(one, this.#consumers, this.#outputs);
    return activation && clipsAtZero(activation, this.#constants) ? activation : undefined;
  }

  /** The pixels themselves, in the order of the convolution's input. */
  #pixels(name: string, pixels: PixelInput): Quantized {
    const own = `${name}/pixels`;
    const known = this.#quantized.get(own);
    if (known) return known;
    const zeroPoint = paddingLevel(pixels);
    const made = this.#quantizedAs(own, 1, zeroPoint);
    this.nodes.push({ ...pixels.transpose, input: [pixels.image], output: [made.name] });
    this.#quantized.set(own, made);
    return made;
  }

  /** The tensor in 8 bits; undefined where its range is not known. */
  #asEightBits(name: string): Quantized | undefined {
    const known = this.#quantized.get(name);
    if (known) return known;
    if (!this.#ranges.has(name)) return undefined;
    const made = this.#parameters(name);
    this.nodes.push(node('QuantizeLinear', [name, ...made.constants], made.name));
    this.#quantized.set(name, made);
    this.#inFloat.add(name);
    return made;
  }

  #parameters(name: string): Quantized {
    const { lower, upper } = this.#ranges.get(name) as TensorRange;
    const scale = Math.fround((upper - lower) / 255) || 1;
    return this.#quantizedAs(name, scale, Math.min(255, Math.max(0, Math.round(-lower / scale))));
  }

  #quantizedAs(name: string, scale: number, zeroPoint: number): Quantized {
    const constants = [`${name}/scale`, `${name}/zero_point`] as const;
    this.#added.push(
      floatTensor(constants[0], [], [scale]),
      rawTensor(constants[1], [], elementType.uint8, Uint8Array.of(zeroPoint)),
    );
    return { name: `${name}/q`, scale, zeroPoint, constants };
  }

  /** Symmetric, −127 … 127. Of a kernel that several convolutions use, one is made for each. */
  #quantizeKernel(
    name: string,
    { dims, values }: Floats,
    bias: Floats | undefined,
    inputScale: number,
  ) {
    const [channels = 1] = dims;
    const size = values.length / channels;
    const scales = new Float32Array(channels);
    const kernel = new Int8Array(values.length);
    for (let channel = 0; channel < channels; channel++) {
      const part = values.subarray(channel * size, (channel + 1) * size);
      const largest = part.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      // A channel whose weights are all but zero must still hold its bias as a sum.
      const forBias = Math.abs(bias?.values[channel] ?? 0) / (maxSum * inputScale);
      const scale = Math.fround(Math.max(largest / 127, forBias, 1e-30));
      scales[channel] = scale;
      for (const [i, value] of part.entries()) {
        kernel[channel * size + i] = Math.round(value / scale);
      }
    }
    const names = ['q', 'scale', 'zero_point'].map(
      (what) => `${name}/${what}/${this.convolutions}`,
    );
    this.#added.push(
      rawTensor(names[0] as string, dims, elementType.int8, kernel),
      floatTensor(names[1] as string, [channels], scales),
      rawTensor(names[2] as string, [channels], elementType.int8, new Int8Array(channels)),
    );
    return { names, scales };
  }

  #quantizeBias(name: string, bias: Floats, scales: Float32Array, inputScale: number): string {
    const sums = Int32Array.from(bias.values, (value, channel) => {
      const sum = Math.round(value / ((scales[channel] as number) * inputScale));
      return Math.min(maxSum, Math.max(-maxSum, sum));
    });
    const own = `${name}/q/${this.convolutions}`;
    this.#added.push(rawTensor(own, [sums.length], elementType.int32, sums));
    return own;
  }
}

const maxSum = 2 ** 30;
