import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import { statRegularFile } from '../base/regular-file.ts';
import { decodeModel, type Model } from './onnx-model.ts';

/**
 * Reads an ONNX file but for the numbers of its large constants, which are nearly all of it: they are
 * skipped, and their tensors have no `rawData` bytes (the field is there and empty). Everything else is as
 * {@link decodeModel} gives it.
 *
 * Walks the file's fields as protobuf encodes them (https://protobuf.dev/programming-guides/encoding).
 *
 * @throws HeadstartError `BACKBONE_UNSUITABLE` where it cannot be read, or is not an ONNX model
 */
export function readOutline(path: string): Promise<Model> {
  return reading(path, async (file) => {
    const { size } = await file.stat();
    const parts = await outlineOf(new Window(file), { start: 0, end: size }, modelFields);
    return decodeModel(Buffer.concat(parts), path);
  });
}

/**
 * SHA-256 of a file, in hex. One small buffer is read into again and again: a file of 60 MB in fresh memory
 * takes longer to read than to digest.
 *
 * @throws HeadstartError `BACKBONE_UNSUITABLE` where it cannot be read
 */
export function digestOfBackbone(path: string): Promise<string> {
  return reading(path, async (file) => {
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafe(2 ** 20);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(buffer.subarray(0, bytesRead));
    }
  });
}

/** @throws HeadstartError `BACKBONE_UNSUITABLE` */
export function unreadableBackbone(path: string, error: unknown): HeadstartError {
  return new HeadstartError(
    'BACKBONE_UNSUITABLE',
    `Cannot read the backbone ${path}: ${reasonOf(error)}. Give vgg16, vgg16-untrained or an ONNX file.`,
    { cause: error },
  );
}

async function reading<T>(path: string, read: (file: FileHandle) => Promise<T>): Promise<T> {
  let file: FileHandle | undefined;
  try {
    const { size } = await statRegularFile(path);
    if (size >= mostBytes) throw new WireError('it has 2 GiB or more');
    file = await open(path);
    return await read(file);
  } catch (error) {
    if (error instanceof HeadstartError) throw error;
    throw error instanceof WireError
      ? new HeadstartError(
          'BACKBONE_UNSUITABLE',
          `${path} is not an ONNX file: ${error.message}.`,
          { cause: error },
        )
      : unreadableBackbone(path, error);
  } finally {
    await file?.close();
  }
}

/** No message of protobuf is larger, so no model in one file is. */
const mostBytes = 2 ** 31;

/** What is done with the fields of a message; those that are not named are kept. */
type Fields = Readonly<Record<number, 'numbers' | { readonly inside: Fields }>>;

// Numbers of onnx.proto: ModelProto.graph, GraphProto.initializer, TensorProto.raw_data.
const modelFields: Fields = { 7: { inside: { 5: { inside: { 9: 'numbers' } } } } };

/** Bytes of a constant that is kept: scales and zero points are looked at, and are as many as channels. */
const smallConstant = 2 ** 16;

interface Span {
  readonly start: number;
  readonly end: number;
}

/** The encoded fields of a message, without the numbers of large constants. */
async function outlineOf(window: Window, { start, end }: Span, fields: Fields): Promise<Buffer[]> {
  const parts: Buffer[] = [];
  for (let at = start; at < end; ) {
    const key = await window.varint(at, end);
    const size = await payloadSize(window, key, end);
    const payload = { start: key.after + size.prefix, end: key.after + size.prefix + size.bytes };
    if (payload.end > end) throw new WireError('it ends in the middle');
    const how = size.prefix > 0 ? fields[Math.floor(key.value / 8)] : undefined;
    if (how === undefined || (how === 'numbers' && size.bytes <= smallConstant)) {
      parts.push(await window.copy(at, payload.end));
    } else {
      const inside = how === 'numbers' ? [] : await outlineOf(window, payload, how.inside);
      const length = inside.reduce((sum, part) => sum + part.length, 0);
      parts.push(varint(key.value), varint(length), ...inside);
    }
    at = payload.end;
  }
  return parts;
}

interface Varint {
  readonly value: number;
  /** Where the file goes on. */
  readonly after: number;
}

/** Bytes of a field's value, and of the length before it. */
async function payloadSize(
  window: Window,
  key: Varint,
  end: number,
): Promise<{ readonly prefix: number; readonly bytes: number }> {
  switch (key.value % 8) {
    case 0: {
      const { after } = await window.varint(key.after, end);
      return { prefix: 0, bytes: after - key.after };
    }
    case 1:
      return { prefix: 0, bytes: 8 };
    case 2: {
      const { value, after } = await window.varint(key.after, end);
      return { prefix: after - key.after, bytes: value };
    }
    case 5:
      return { prefix: 0, bytes: 4 };
    default:
      throw new WireError('its fields are of no known type');
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/** Reads here and there in a file, some of it at a time. */
class Window {
  readonly #file: FileHandle;
  readonly #buffer = Buffer.allocUnsafe(2 ** 16);
  #start = 0;
  #length = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async varint(at: number, end: number): Promise<Varint> {
    let value = 0;
    for (let i = 0; i < 10 && at + i < end; i++) {
      const byte = await this.#byte(at + i);
      // Beyond 2 ** 53 only numbers are cut off that are copied as they are: negative ones.
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return { value, after: at + i + 1 };
    }
    throw new WireError('it ends in the middle, or is damaged');
  }

  /** The bytes from one place to another, in memory of their own. */
  async copy(from: number, to: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(to - from);
    for (let done = 0; done < bytes.length; ) {
      await this.#moveTo(from + done);
      const offset = from + done - this.#start;
      done += this.#buffer.copy(bytes, done, offset, this.#length);
    }
    return bytes;
  }

  async #byte(at: number): Promise<number> {
    await this.#moveTo(at);
    return this.#buffer[at - this.#start] as number;
  }

  async #moveTo(at: number): Promise<void> {
    if (at >= this.#start && at < this.#start + this.#length) return;
    const { bytesRead } = await this.#file.read(this.#buffer, 0, this.#buffer.length, at);
    if (bytesRead === 0) throw new WireError('it ends in the middle');
    [this.#start, this.#length] = [at, bytesRead];
  }
}

class WireError extends Error {}
