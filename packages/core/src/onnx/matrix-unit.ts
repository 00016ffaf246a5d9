import { readFileSync } from 'node:fs';
import {
  elementType,
  encodeModel,
  type GraphNode,
  type Model,
  type TensorProto,
} from './onnx-model.ts';

/**
 * Whether ONNX Runtime multiplies 8-bit matrices in the processor's matrix unit (Intel AMX), which
 * it does on Linux.
 */
export function hasMatrixUnit(): boolean {
  if (process.platform !== 'linux' || process.arch !== 'x64') return false;
  try {
    return /^flags\s*:.*\bamx_int8\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    return false;
  }
}

/** Below these, laying the input out as a matrix costs more than the unit saves (measured). */
const smallest = { taps: 9, inputs: 64, outputs: 128 } as const;

/**
 * The model with its large 8-bit convolutions as products for the matrix unit; undefined where it
 * has none. Features stay the same, bit for bit.
 *
 * A convolution with kernels of zero point 0 is computed by kernels of ONNX Runtime that do not
 * know the matrix unit. With another zero point it becomes a matrix product, which does: kernels
 * are lowered by one and their zero point is −1. Sums are whole numbers, so that nothing changes.
 */
export function forMatrixUnit(model: Model): Uint8Array | undefined {
  const constants = new Map(
    (model.graph?.initializer ?? []).map((tensor) => [tensor.name ?? '', tensor]),
  );
  const lowered = new Map<string, TensorProto>();
  for (const one of model.graph?.node ?? []) {
    const [kernel, zeroPoint] = [one.input?.[3], one.input?.[5]].map((name) =>
      constants.get(name ?? ''),
    );
    if (!kernel || !zeroPoint || !isLarge(one, kernel) || !isSymmetric(kernel, zeroPoint)) continue;
    for (const tensor of [kernel, zeroPoint]) lowered.set(tensor.name ?? '', loweredByOne(tensor));
  }
  if (lowered.size === 0 || usedElsewhere(model, lowered)) return undefined;
  const initializer = (model.graph?.initializer ?? []).map(
    (tensor) => lowered.get(tensor.name ?? '') ?? tensor,
  );
  return encodeModel({ ...model, graph: { ...model.graph, initializer } });
}

function isLarge(one: GraphNode, kernel: TensorProto): boolean {
  if (one.opType !== 'QLinearConv') return false;
  const group = one.attribute?.find(({ name }) => name === 'group')?.i;
  const [outputs = 0, inputs = 0, height = 0, width = 0] = (kernel.dims ?? []).map(Number);
  return (
    Number(group ?? 1) === 1 &&
    height * width >= smallest.taps &&
    inputs >= smallest.inputs &&
    outputs >= smallest.outputs
  );
}

function isSymmetric(kernel: TensorProto, zeroPoint: TensorProto): boolean {
  const [weights, zeros] = [int8Of(kernel), int8Of(zeroPoint)];
  if (!weights || !zeros) return false;
  return zeros.every((value) => value === 0) && weights.every((value) => value > -128);
}

/** The numbers of an int8 tensor as quantization writes it. */
function int8Of({ dataType, rawData }: TensorProto): Int8Array | undefined {
  if (dataType !== elementType.int8 || !rawData?.length) return undefined;
  return new Int8Array(rawData.buffer, rawData.byteOffset, rawData.byteLength);
}

function loweredByOne(tensor: TensorProto): TensorProto {
  const values = int8Of(tensor)?.map((value) => value - 1);
  return { ...tensor, rawData: new Uint8Array((values as Int8Array).buffer) };
}

/** Whether a lowered constant is read by anything but large convolutions. */
function usedElsewhere(model: Model, lowered: ReadonlyMap<string, TensorProto>): boolean {
  return (model.graph?.node ?? []).some((one) => {
    const kernel = lowered.get(one.input?.[3] ?? '');
    const own = kernel && isLarge(one, kernel) ? [one.input?.[3], one.input?.[5]] : [];
    return one.input?.some((name) => lowered.has(name ?? '') && !own.includes(name));
  });
}
