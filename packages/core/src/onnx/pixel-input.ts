import { type Floats, floatsOf } from './graph.ts';
import { elementType, type GraphNode, type TensorProto, type ValueInfo } from './onnx-model.ts';

/** A tensor [N, C, H, W]: its channel c is scale[c] · pixel + offset[c] of image channel order[c]. */
export interface PixelInput {
  /** The graph's input: uint8 [N, H, W, C]. */
  readonly image: string;
  /** Turns it into [N, C, H, W]. */
  readonly transpose: GraphNode;
  readonly scale: Float64Array;
  readonly offset: Float64Array;
  readonly order: readonly number[];
}

/** What a graph is made of, by name. */
export interface GraphParts {
  readonly producers: ReadonlyMap<string, GraphNode>;
  readonly constants: ReadonlyMap<string, TensorProto>;
  readonly inputs: readonly ValueInfo[];
}

/**
 * Follows a tensor back through Transpose, arithmetic with constants by channel, an exchange of
 * channels, and Cast to the pixels that it is made of; undefined where there is anything else on the way.
 */
export function pixelInputOf(
  name: string,
  { producers, constants, inputs }: GraphParts,
): PixelInput | undefined {
  const transpose = producers.get(name);
  const perm = transpose?.attribute?.find((one) => one.name === 'perm')?.ints?.map(Number);
  if (transpose?.opType !== 'Transpose' || perm?.join() !== '0,3,1,2') return undefined;
  const steps: { readonly kind: string; readonly values: Float32Array }[] = [];
  let at = transpose.input?.[0] ?? '';
  let exchange: readonly number[] | undefined;
  for (;;) {
    const one = producers.get(at);
    const [from = '', other = ''] = one?.input ?? [];
    if (one?.opType === 'Cast') {
      at = from;
      break;
    }
    // Just after the Cast: arithmetic is then by the channels that it gives.
    exchange = channelExchange(one, constants.get(other));
    if (exchange) {
      const cast = producers.get(from);
      if (cast?.opType !== 'Cast') return undefined;
      at = cast.input?.[0] ?? '';
      break;
    }
    const values = byChannel(constants.get(other));
    if (!one || !values || !/^(Add|Sub|Mul|Div)$/.test(one.opType ?? '')) return undefined;
    steps.unshift({ kind: one.opType ?? '', values });
    at = from;
  }
  const input = inputs.find((one) => one.name === at)?.type?.tensorType;
  const channels = Number(input?.shape?.dim?.[3]?.dimValue ?? 0);
  if (input?.elemType !== elementType.uint8 || channels < 1) return undefined;
  if (!steps.every(({ values }) => values.length === 1 || values.length === channels)) {
    return undefined;
  }
  const order = exchange ?? Array.from({ length: channels }, (_, c) => c);
  if ([...order].sort().join() !== [...order.keys()].join() || order.length !== channels) {
    return undefined;
  }
  const scale = new Float64Array(channels).fill(1);
  const offset = new Float64Array(channels);
  for (const { kind, values } of steps) {
    for (let c = 0; c < channels; c++) {
      const value = values[values.length === 1 ? 0 : c] as number;
      const factor = kind === 'Mul' ? value : kind === 'Div' ? 1 / value : 1;
      const term = kind === 'Add' ? value : kind === 'Sub' ? -value : 0;
      scale[c] = (scale[c] as number) * factor;
      offset[c] = (offset[c] as number) * factor + term;
    }
  }
  return { image: at, transpose, scale, offset, order };
}

/** The image channels that a Gather along the last dimension takes. */
function channelExchange(
  one: GraphNode | undefined,
  indices: TensorProto | undefined,
): readonly number[] | undefined {
  const axis = Number(one?.attribute?.find(({ name }) => name === 'axis')?.i ?? 0);
  if (one?.opType !== 'Gather' || axis !== 3 || !indices?.rawData?.length) return undefined;
  if (indices.dataType !== elementType.int64) return undefined;
  return Array.from(new BigInt64Array(new Uint8Array(indices.rawData).buffer), Number);
}

/** Numbers along the last dimension: a constant whose other dimensions are 1. */
function byChannel(tensor: TensorProto | undefined): Float32Array | undefined {
  const floats = floatsOf(tensor);
  if (!floats) return undefined;
  const last = floats.dims.at(-1) ?? 1;
  return floats.values.length === last ? floats.values : undefined;
}

/**
 * The level that padding stands for. Where a convolution pads its input with zeros, pixels are
 * padded with the level that comes nearest to zero in all channels.
 */
export function paddingLevel({ scale, offset }: PixelInput): number {
  let [numerator, denominator] = [0, 0];
  for (let c = 0; c < scale.length; c++) {
    numerator -= (scale[c] as number) * (offset[c] as number);
    denominator += (scale[c] as number) ** 2;
  }
  return Math.min(255, Math.max(0, Math.round(numerator / Math.max(denominator, 1e-30))));
}

/** The kernel and bias that give of pixels what the others give of what pixels are turned into. */
export function foldPixels(
  kernel: Floats,
  bias: Floats | undefined,
  { scale, offset, order }: PixelInput,
  padding: number,
): [Floats, Floats] {
  const [outputs = 1, channels = 1] = kernel.dims;
  const taps = kernel.values.length / outputs / channels;
  const values = new Float32Array(kernel.values.length);
  const sums = new Float32Array(outputs);
  for (let o = 0; o < outputs; o++) {
    let sum = bias?.values[o] ?? 0;
    for (let c = 0; c < channels; c++) {
      const [factor, term] = [scale[c] as number, offset[c] as number];
      for (let t = 0; t < taps; t++) {
        const weight = kernel.values[(o * channels + c) * taps + t] as number;
        values[(o * channels + (order[c] as number)) * taps + t] = weight * factor;
        sum += weight * (factor * padding + term);
      }
    }
    sums[o] = sum;
  }
  return [
    { dims: kernel.dims, values },
    { dims: [outputs], values: sums },
  ];
}
