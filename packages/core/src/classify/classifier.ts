import { readFile } from 'node:fs/promises';
import type { Backbone, BackboneInfo } from '../backbone/index.ts';
import { HeadstartError, reasonOf } from '../errors.ts';
import {
  decodeImage,
  type UnreadableKind,
  unreadableKind,
  unreadableReason,
} from '../image/index.ts';
import type { OperationOptions } from '../operation.ts';
import type { RunImage, RunRecord } from '../run/index.ts';
import { inBatches, overlapped } from './batches.ts';

/** A file's path, or the bytes of an image file under a name. */
export type ImageInput = string | { readonly name: string; readonly bytes: Uint8Array };

export interface RankedClass {
  readonly label: string;
  readonly probability: number;
}

export interface Prediction {
  readonly name: string;
  /** The most probable class. */
  readonly label: string;
  readonly probability: number;
  /** The most probable classes, `topK` of them, the most probable first. */
  readonly ranking: readonly RankedClass[];
}

export interface UnreadableImage {
  readonly name: string;
  /** One sentence for people, which names the image. */
  readonly error: string;
  /** The bare reason, for a table. */
  readonly reason: string;
  readonly kind: UnreadableKind;
}

export type Classified = Prediction | UnreadableImage;

export interface ClassifyOptions extends OperationOptions {
  /** Length of each ranking; default: all classes. */
  readonly topK?: number | undefined;
  /** Images in one inference; default 32. */
  readonly batchSize?: number | undefined;
}

export interface ReadImageOptions {
  /** Larger pictures are refused before they are decoded; default: 100 megapixels. */
  readonly maxPixels?: number | undefined;
}

/** What is known of an image before inference: the model's pixels, or why there are none. */
export type ReadImage = { readonly name: string; readonly pixels: Uint8Array } | UnreadableImage;

/** What a classifier asks of its model: an open {@link Backbone} that gives probabilities. */
export type ImageModel = Pick<Backbone, 'info' | 'run' | 'close'>;

/** A trained run, ready to label images. Close it after use. */
export class Classifier {
  /** Class names, by label. */
  readonly classes: readonly string[];
  readonly record: RunRecord;
  /** Where inference runs. */
  readonly backbone: BackboneInfo;
  readonly #model: ImageModel;
  readonly #image: RunImage;

  /** Use `loadClassifier`. */
  constructor(record: RunRecord, image: RunImage, model: ImageModel) {
    this.classes = record.classes;
    this.record = record;
    this.backbone = model.info;
    this.#model = model;
    this.#image = image;
  }

  /**
   * Labels images, in the order given; results come as they are ready. While a batch is in
   * inference the next one is decoded. An image that cannot be read gives a result with `error`.
   *
   * @throws HeadstartError `USAGE` for a wrong option; `signal.reason` where aborted
   */
  async *classify(
    images: Iterable<ImageInput> | AsyncIterable<ImageInput>,
    options: ClassifyOptions = {},
  ): AsyncGenerator<Classified, void, undefined> {
    const { signal, topK = this.classes.length, batchSize = 32 } = options;
    checkCount('topK', topK);
    checkCount('batchSize', batchSize);
    const read = (batch: ImageInput[]) => Promise.all(batch.map((image) => this.read(image)));
    for await (const batch of overlapped(inBatches(images, batchSize), read, { signal })) {
      yield* await this.label(batch, { topK });
      signal?.throwIfAborted();
    }
  }

  /** Reads and decodes an image as the model takes it. What cannot be read is no error here. */
  async read(input: ImageInput, { maxPixels }: ReadImageOptions = {}): Promise<ReadImage> {
    const name = typeof input === 'string' ? input : input.name;
    try {
      const bytes = typeof input === 'string' ? await readBytes(input) : input.bytes;
      return { name, pixels: await decodeImage(bytes, { ...this.#image, maxPixels }, name) };
    } catch (error) {
      if (error instanceof HeadstartError && error.code === 'IMAGE_UNREADABLE') {
        const [reason, kind] = [unreadableReason(error), unreadableKind(error)];
        return { name, error: error.message, reason, kind };
      }
      throw error;
    }
  }

  /** Labels images in one inference, in order. */
  async label(
    batch: readonly ReadImage[],
    { topK = this.classes.length }: Pick<ClassifyOptions, 'topK'> = {},
  ): Promise<Classified[]> {
    const readable = batch.flatMap((image) => ('pixels' in image ? [image.pixels] : []));
    const probabilities = await this.#run(readable);
    const size = this.classes.length;
    let row = 0;
    return batch.map((image) => {
      if ('error' in image) return image;
      const ranking = this.#rank(probabilities.subarray(row * size, ++row * size), topK);
      const { label, probability } = ranking[0] as RankedClass;
      return { name: image.name, label, probability, ranking };
    });
  }

  async #run(images: readonly Uint8Array[]): Promise<Float32Array> {
    if (images.length === 0) return new Float32Array(0);
    const { height, width } = this.#image;
    const pixels = new Uint8Array(images.length * height * width * 3);
    images.forEach((image, i) => {
      pixels.set(image, i * height * width * 3);
    });
    return this.#model.run(pixels, images.length);
  }

  #rank(probabilities: Float32Array, topK: number): RankedClass[] {
    return Array.from(probabilities, (probability, k) => ({
      label: this.classes[k] as string,
      probability,
    }))
      .sort((a, b) => b.probability - a.probability)
      .slice(0, topK);
  }

  close(): Promise<void> {
    return this.#model.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new HeadstartError('IMAGE_UNREADABLE', `Cannot read ${path}: ${reasonOf(error)}.`, {
      cause: error,
    });
  }
}

function checkCount(option: string, value: number): void {
  if (Number.isInteger(value) && value >= 1) return;
  throw new HeadstartError(
    'USAGE',
    `The option ${option} must be an integer from 1, not ${value}.`,
  );
}
