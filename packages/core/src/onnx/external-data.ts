import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import { statRegularFile } from '../base/regular-file.ts';
import { allTensors } from './graph-walk.ts';
import { elementType, type Model, type TensorProto } from './onnx-model.ts';

/** Whether some of a model's numbers are in other files beside it, which ONNX calls external data. */
export function hasExternalData(model: Model): boolean {
  return [...allTensors(model)].some(isExternal);
}

/**
 * Reads the numbers that stand in other files into the model, as
 * https://github.com/onnx/onnx/blob/main/docs/ExternalData.md lays them out. The model is changed.
 *
 * @param path the model's file: data files are named relative to its folder, and stay inside it
 * @returns SHA-256 of all that was read, in hex; undefined where the model has no external data
 * @throws HeadstartError `BACKBONE_UNSUITABLE` naming a data file that is missing, too short or changed
 */
export async function takeExternalData(model: Model, path: string): Promise<string | undefined> {
  const external = [...allTensors(model)].filter(isExternal);
  if (external.length === 0) return undefined;
  checkTotal(external, path);
  const digest = createHash('sha256');
  await using files = new DataFiles(path);
  for (const tensor of external) {
    const place = placeOf(tensor, path);
    const bytes = await files.read(place, tensor);
    digest.update(`${place.location}\n${bytes.length}\n`).update(bytes);
    tensor.rawData = bytes;
    tensor.externalData = [];
    tensor.dataLocation = inTheModel;
  }
  return digest.digest('hex');
}

/** Numbers of TensorProto.DataLocation. */
const inTheModel = 0;
const inAnotherFile = 1;

function isExternal({ dataLocation, externalData }: TensorProto): boolean {
  return dataLocation === inAnotherFile || (externalData?.length ?? 0) > 0;
}

/** Where the numbers of a tensor stand. */
interface Place {
  /** The file's name, relative to the model's folder. */
  readonly location: string;
  readonly offset: number;
  readonly length: number | undefined;
  /** SHA-1 of the whole file, where the model has it. */
  readonly checksum: string | undefined;
}

function placeOf({ name, externalData }: TensorProto, path: string): Place {
  const entries = new Map((externalData ?? []).map(({ key, value }) => [key, value ?? '']));
  const location = entries.get('location') ?? '';
  const parts = location.split(/[\\/]/);
  if (location === '' || /^([\\/]|[a-z]:)/i.test(location) || parts.includes('..')) {
    throw unsuitable(
      `${path} names the data file "${location}" for "${name}": a data file stands in the model’s folder. Export the model again.`,
    );
  }
  const numberOf = (key: string) => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
    throw unsuitable(
      `${path} has the ${key} "${text}" for "${name}", not a whole number. Export the model again.`,
    );
  };
  const checksum = entries.get('checksum')?.toLowerCase();
  return { location, offset: numberOf('offset') ?? 0, length: numberOf('length'), checksum };
}

/** The data files of one model, each opened once. */
class DataFiles implements AsyncDisposable {
  readonly #model: string;
  readonly #open = new Map<string, { readonly file: FileHandle; readonly size: number }>();

  constructor(model: string) {
    this.#model = model;
  }

  async read(place: Place, tensor: TensorProto): Promise<Uint8Array> {
    const { location, offset } = place;
    const path = join(dirname(this.#model), location);
    const { file, size } = this.#open.get(location) ?? (await this.#add(path, place));
    const length = place.length ?? Math.max(0, size - offset);
    const wanted = bytesOf(tensor);
    if (wanted !== undefined && wanted !== length) {
      throw unsuitable(
        `${this.#model} takes ${length} bytes of ${path} for "${tensor.name}", which has ${wanted}. Export the model again.`,
      );
    }
    const bytes = Buffer.allocUnsafe(offset + length <= size ? length : 0);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await file.read(bytes, done, bytes.length - done, offset + done);
      if (bytesRead === 0) {
        throw unsuitable(
          `${path} has ${size} bytes, and ${this.#model} wants those up to ${offset + length}: the file is cut off or of another model. Copy or export both again.`,
        );
      }
      done += bytesRead;
    }
    return bytes;
  }

  async #add(path: string, { location, checksum }: Place) {
    try {
      const { size } = await statRegularFile(path);
      const opened = { file: await open(path), size };
      this.#open.set(location, opened);
      if (checksum !== undefined) await this.#compare(opened.file, path, checksum);
      return opened;
    } catch (error) {
      if (error instanceof HeadstartError) throw error;
      throw unsuitable(
        `Cannot read ${path}, where ${this.#model} has its weights: ${reasonOf(error)}. Put it beside the model, or export the model as one file: torch.onnx.export(…, external_data=False).`,
        error,
      );
    }
  }

  async #compare(file: FileHandle, path: string, checksum: string): Promise<void> {
    const hash = createHash('sha1');
    const buffer = Buffer.allocUnsafe(2 ** 20);
    for (let at = 0; ; ) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
    if (hash.digest('hex') === checksum) return;
    throw unsuitable(
      `${path} has another SHA-1 than ${this.#model} has for it: the file was changed or is of another model. Copy or export both again.`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { file } of this.#open.values()) await file.close();
  }
}

/** Bytes of one number, by the types whose size is fixed here. */
const elementBytes: Readonly<Record<number, number>> = {
  [elementType.float32]: 4,
  [elementType.uint8]: 1,
  [elementType.int8]: 1,
  [elementType.int32]: 4,
  [elementType.int64]: 8,
  [elementType.float16]: 2,
};

/** Bytes that a tensor's numbers have by its shape; undefined for other types. */
function bytesOf({ dataType, dims }: TensorProto): number | undefined {
  const size = elementBytes[dataType ?? 0];
  return size && (dims ?? []).reduce<number>((product, dim) => product * Number(dim), size);
}

/** A model in one file is a message of protobuf, which has fewer bytes than this. */
const mostBytes = 2 ** 31;

function checkTotal(tensors: readonly TensorProto[], path: string): void {
  const total = tensors.reduce((sum, tensor) => sum + (bytesOf(tensor) ?? 0), 0);
  if (total < mostBytes) return;
  throw unsuitable(
    `${path} has ${(total / 2 ** 30).toFixed(1)} GiB of weights: a backbone has less than 2 GiB. Export it in float16 (in PyTorch, model.half()).`,
  );
}

function unsuitable(message: string, cause?: unknown): HeadstartError {
  return new HeadstartError('BACKBONE_UNSUITABLE', message, { cause });
}
