import { createRequire } from 'node:module';
import type onnxProto from 'onnx-proto';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import type { EncodableModel, Graph, GraphNode, Model, TensorProto, ValueInfo } from './proto.ts';

let loaded: typeof onnxProto.onnx | undefined;

/** ONNX's messages, loaded by the first model: what sees none does not wait for them. */
function onnx(): typeof onnxProto.onnx {
  loaded ??= (createRequire(import.meta.url)('onnx-proto') as typeof onnxProto).onnx;
  return loaded;
}

export type { EncodableModel, Graph, GraphNode, Model, TensorProto, ValueInfo };

/** Element types of ONNX tensors that are met here. */
export const elementType = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  string: 8,
  float16: 10,
} as const;

/** @throws HeadstartError `BACKBONE_UNSUITABLE` where the bytes are not an ONNX model */
export function decodeModel(bytes: Uint8Array, name: string): Model {
  const { ModelProto } = onnx();
  try {
    const model = ModelProto.decode(bytes);
    if (model.graph?.output?.length) return model;
  } catch (error) {
    throw new HeadstartError(
      'BACKBONE_UNSUITABLE',
      `${name} is not an ONNX file: ${reasonOf(error)}.`,
      { cause: error },
    );
  }
  throw new HeadstartError('BACKBONE_UNSUITABLE', `${name} is not an ONNX file: it has no graph.`);
}

export function encodeModel(model: EncodableModel): Uint8Array {
  return onnx().ModelProto.encode(model).finish();
}

/**
 * The bytes of a model in parts, one after another. The numbers of its constants are not copied, which
 * are nearly all of a large model: `encodeModel` would hold the thread meanwhile.
 */
export function encodeModelParts(model: EncodableModel): Uint8Array[] {
  const { graph, ...rest } = model;
  const { initializer, ...others } = graph ?? {};
  const constants = (initializer ?? []).flatMap((tensor) => field(5, tensorParts(tensor)));
  const inside = [onnx().GraphProto.encode(others).finish(), ...constants];
  return [onnx().ModelProto.encode(rest).finish(), ...field(7, inside)];
}

/** Fields may come in any order: the numbers are last. */
function tensorParts(tensor: TensorProto): Uint8Array[] {
  const { rawData, ...rest } = tensor;
  const start = onnx().TensorProto.encode(rest).finish();
  return Object.hasOwn(tensor, 'rawData') && rawData ? [start, ...field(9, [rawData])] : [start];
}

/** A field of a message that holds bytes or another message (protobuf's wire type 2). */
function field(number: number, content: readonly Uint8Array[]): Uint8Array[] {
  const head = [number * 8 + 2];
  let length = content.reduce((sum, part) => sum + part.length, 0);
  for (; length >= 128; length = Math.floor(length / 128)) head.push((length % 128) + 128);
  return [Uint8Array.of(...head, length), ...content];
}

/** Model metadata (`metadata_props`) as a record. */
export function modelMetadata(model: EncodableModel): Record<string, string> {
  const entries = (model.metadataProps ?? []).map(({ key, value }) => [key ?? '', value ?? '']);
  return Object.fromEntries(entries);
}

export function metadataProps(metadata: Readonly<Record<string, string>>) {
  return Object.entries(metadata).map(([key, value]) => ({ key, value }));
}

/** An attribute by the type of its value: whole numbers, lists of them, or text. */
function attribute(name: string, value: number | readonly number[] | string) {
  const { AttributeType } = onnx().AttributeProto;
  if (typeof value === 'string') {
    return { name, type: AttributeType.STRING, s: Buffer.from(value) };
  }
  if (typeof value === 'number') return { name, type: AttributeType.INT, i: value };
  return { name, type: AttributeType.INTS, ints: [...value] };
}

export function node(
  opType: string,
  input: readonly string[],
  output: string,
  attributes: Readonly<Record<string, number | readonly number[] | string>> = {},
): GraphNode {
  return {
    opType,
    name: output,
    input: [...input],
    output: [output],
    attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  };
}

export function floatTensor(
  name: string,
  dims: readonly number[],
  values: Float32Array | readonly number[],
): TensorProto {
  const data = values instanceof Float32Array ? values : Float32Array.from(values);
  const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { name, dims: [...dims], dataType: elementType.float32, rawData };
}

/** A constant from the bytes of its numbers. */
export function rawTensor(
  name: string,
  dims: readonly number[],
  dataType: number,
  values: ArrayBufferView,
): TensorProto {
  const rawData = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { name, dims: [...dims], dataType, rawData };
}

export function int64Tensor(name: string, values: readonly number[]): TensorProto {
  const data = BigInt64Array.from(values, BigInt);
  const rawData = new Uint8Array(data.buffer);
  return { name, dims: [values.length], dataType: elementType.int64, rawData };
}

export function stringTensor(name: string, values: readonly string[]): TensorProto {
  const stringData = values.map((value) => new Uint8Array(Buffer.from(value)));
  return { name, dims: [values.length], dataType: elementType.string, stringData };
}

/** A named graph input or output; a text dimension is symbolic. */
export function valueInfo(
  name: string,
  elemType: number,
  dims: readonly (number | string)[],
): ValueInfo {
  const dim = dims.map((d) => (typeof d === 'string' ? { dimParam: d } : { dimValue: d }));
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

/** Element type and dimensions of a graph input or output; symbolic dimensions are undefined. */
export function tensorTypeOf(value: ValueInfo): {
  readonly elemType: number;
  readonly dims: readonly (number | undefined)[] | undefined;
} {
  const tensor = value.type?.tensorType;
  const dims = tensor?.shape?.dim?.map(({ dimValue }) => {
    const size = Number(dimValue ?? 0);
    return size > 0 ? size : undefined;
  });
  return { elemType: tensor?.elemType ?? 0, dims };
}

/** A kernel [taps, inputs, outputs] (HWIO, as Keras has it) as [outputs, inputs, taps] (OIHW). */
export function hwioToOihw(
  kernel: Float32Array,
  taps: number,
  inputs: number,
  outputs: number,
): Float32Array {
  const result = new Float32Array(kernel.length);
  for (let tap = 0; tap < taps; tap++) {
    for (let i = 0; i < inputs; i++) {
      const from = (tap * inputs + i) * outputs;
      for (let o = 0; o < outputs; o++) {
        result[(o * inputs + i) * taps + tap] = kernel[from + o] as number;
      }
    }
  }
  return result;
}

/** A kernel [outputs, inputs, taps] (OIHW) as [taps, inputs, outputs] (HWIO). */
export function oihwToHwio<T extends Float32Array>(
  kernel: T,
  taps: number,
  inputs: number,
  outputs: number,
): T {
  const result = kernel.slice() as T;
  for (let o = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) {
      const from = (o * inputs + i) * taps;
      for (let tap = 0; tap < taps; tap++) {
        result[(tap * inputs + i) * outputs + o] = kernel[from + tap] as number;
      }
    }
  }
  return result;
}
