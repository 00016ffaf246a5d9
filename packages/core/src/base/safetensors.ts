import { type FileHandle, open } from 'node:fs/promises';
import { type PendingFile, writeFileAtomically } from './atomic-file.ts';
import { HeadstartError, reasonOf } from './errors.ts';
import { statRegularFile } from './regular-file.ts';

/** Bytes of one element, by safetensors dtype. */
const elementSizes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
} as const;

export type SafetensorsDtype = keyof typeof elementSizes;

/** One tensor's place: `begin` and `end` are byte offsets from the start of the file. */
export interface TensorEntry {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A tensor to write; `data` is its bytes, or a source of them in order. */
export interface TensorToWrite {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly data: Uint8Array | AsyncIterable<Uint8Array>;
}

const maxHeaderBytes = 100_000_000;

/**
 * Reads the header of a safetensors file (https://github.com/huggingface/safetensors#format).
 *
 * @param read gives the bytes `[begin, end)` of the file, fewer only at its end
 * @param fileSize the file's size in bytes, against which every offset is checked
 * @throws HeadstartError `FEATURE_FILE_INVALID` naming the file and what is wrong with it
 * @example
 * ```ts
 * const bytes = await readFile('head.safetensors');
 * const read = async (begin: number, end: number) => bytes.subarray(begin, end);
 * const { tensors } = await readSafetensorsHeader('head.safetensors', bytes.length, read);
 * ```
 */
export async function readSafetensorsHeader(
  name: string,
  fileSize: number,
  read: (begin: number, end: number) => Promise<Uint8Array>,
): Promise<SafetensorsHeader> {
  const invalid = (what: string) =>
    new HeadstartError('FEATURE_FILE_INVALID', `${name} is not a safetensors file: ${what}.`);
  if (fileSize < 8) throw invalid('it is shorter than its length field');
  const prefix = await read(0, 8);
  const length = Number(new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true));
  if (length > maxHeaderBytes || 8 + length > fileSize) {
    throw invalid(`its header of ${length} bytes does not fit into the file of ${fileSize} bytes`);
  }
  let json: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await read(8, 8 + length));
    json = JSON.parse(text);
  } catch (error) {
    throw invalid(`its header is not JSON (${reasonOf(error)})`);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw invalid('its header is not a JSON object');
  }
  const tensors = new Map<string, TensorEntry>();
  let metadata: Record<string, string> = {};
  for (const [key, value] of Object.entries(json)) {
    if (key === '__metadata__') metadata = metadataOf(value, invalid);
    else tensors.set(key, tensorEntry(key, value, 8 + length, fileSize, invalid));
  }
  return { tensors, metadata };
}

/** As Python's safetensors reads it: texts by name, or nothing. */
function metadataOf(
  value: unknown,
  invalid: (what: string) => HeadstartError,
): Record<string, string> {
  if (value === null) return {};
  const isRecord = typeof value === 'object' && !Array.isArray(value);
  if (isRecord && Object.values(value as object).every((text) => typeof text === 'string')) {
    return value as Record<string, string>;
  }
  throw invalid('its __metadata__ is not a JSON object of texts');
}

function tensorEntry(
  key: string,
  value: unknown,
  start: number,
  fileSize: number,
  invalid: (what: string) => HeadstartError,
): TensorEntry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  if (typeof dtype !== 'string' || !Object.hasOwn(elementSizes, dtype)) {
    throw invalid(`tensor "${key}" has the unknown type ${JSON.stringify(dtype)}`);
  }
  const isCount = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 0;
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw invalid(`tensor "${key}" has no valid shape`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount)) {
    throw invalid(`tensor "${key}" has no valid data_offsets`);
  }
  const [begin, end] = [start + offsets[0], start + offsets[1]];
  const size = shape.reduce((a, b) => a * b, elementSizes[dtype as SafetensorsDtype]);
  if (end - begin !== size) throw invalid(`tensor "${key}" has ${end - begin} bytes, not ${size}`);
  if (end > fileSize) throw invalid(`tensor "${key}" ends beyond the file: it was cut off`);
  return { dtype: dtype as SafetensorsDtype, shape, begin, end };
}

/**
 * An open safetensors file: its header, and reads of any part of it.
 *
 * @example
 * ```ts
 * await using file = await SafetensorsFile.open('features.safetensors');
 * console.log([...file.header.tensors.keys()]);
 * ```
 */
export class SafetensorsFile {
  readonly path: string;
  readonly header: SafetensorsHeader;
  readonly #handle: FileHandle;

  private constructor(path: string, header: SafetensorsHeader, handle: FileHandle) {
    this.path = path;
    this.header = header;
    this.#handle = handle;
  }

  /** @throws HeadstartError `FEATURE_FILE_INVALID` */
  static async open(path: string): Promise<SafetensorsFile> {
    let handle: FileHandle;
    try {
      await statRegularFile(path);
      handle = await open(path, 'r');
    } catch (error) {
      throw new HeadstartError('FEATURE_FILE_INVALID', `Cannot read ${path}: ${reasonOf(error)}.`, {
        cause: error,
      });
    }
    try {
      const { size } = await handle.stat();
      const header = await readSafetensorsHeader(path, size, (begin, end) =>
        readRange(handle, path, begin, end),
      );
      return new SafetensorsFile(path, header, handle);
    } catch (error) {
      await handle.close();
      if (error instanceof HeadstartError) throw error;
      throw new HeadstartError('FEATURE_FILE_INVALID', `Cannot read ${path}: ${reasonOf(error)}.`, {
        cause: error,
      });
    }
  }

  /** The bytes `[begin, end)` of the file, in a buffer of their own (aligned for typed arrays). */
  read(begin: number, end: number): Promise<Uint8Array> {
    return readRange(this.#handle, this.path, begin, end);
  }

  /** Fills memory with the bytes of the file from `begin` on. */
  readInto(bytes: Uint8Array, begin: number): Promise<void> {
    return fill(bytes, this.#handle, this.path, begin);
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function readRange(
  handle: FileHandle,
  path: string,
  begin: number,
  end: number,
): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - begin);
  await fill(bytes, handle, path, begin);
  return bytes;
}

async function fill(
  bytes: Uint8Array,
  handle: FileHandle,
  path: string,
  begin: number,
): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, begin + done);
    if (bytesRead === 0) {
      throw new HeadstartError('FEATURE_FILE_INVALID', `${path} ended while it was being read.`);
    }
    done += bytesRead;
  }
}

/**
 * Writes a safetensors file whole or not at all; tensors are streamed in the order given.
 *
 * @example
 * ```ts
 * const data = new Uint8Array(new Float32Array([1, 2, 3]).buffer);
 * await writeSafetensors('x.safetensors', { x: { dtype: 'F32', shape: [3], data } });
 * ```
 */
export async function writeSafetensors(
  path: string,
  tensors: Readonly<Record<string, TensorToWrite>>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let offset = 0;
  for (const [name, { dtype, shape }] of Object.entries(tensors)) {
    const size = shape.reduce((a, b) => a * b, elementSizes[dtype]);
    header[name] = { dtype, shape, data_offsets: [offset, offset + size] };
    offset += size;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.alloc(Math.ceil(json.length / 8) * 8, 0x20);
  json.copy(padded);
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(padded.length));
  await writeFileAtomically(path, async (file) => {
    await file.write(prefix);
    await file.write(padded);
    for (const [name, tensor] of Object.entries(tensors)) await writeTensor(file, name, tensor);
  });
}

async function writeTensor(file: PendingFile, name: string, tensor: TensorToWrite): Promise<void> {
  const size = tensor.shape.reduce((a, b) => a * b, elementSizes[tensor.dtype]);
  let written = 0;
  const chunks = tensor.data instanceof Uint8Array ? [tensor.data] : tensor.data;
  for await (const chunk of chunks) {
    written += chunk.byteLength;
    await file.write(chunk);
  }
  if (written !== size) {
    throw new HeadstartError('INTERNAL', `Tensor ${name} has ${written} bytes, not ${size}.`);
  }
}
