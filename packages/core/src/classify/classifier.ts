import type { Backbone, BackboneInfo } from '../backbone/index.ts';
import { HeadstartError } from '../base/errors.ts';
import type { OperationOptions } from '../base/operation.ts';
import { mapOrdered } from '../base/ordered-map.ts';
import {
  decodeImage,
  type UnreadableKind,
  unreadableKind,
  unreadableReason,
} from '../image/index.ts';
import type { RunImage, RunRecord } from '../run/index.ts';
import { inBatches } from './batches.ts';
import { type ImageInput, readInput } from './read-input.ts';

export interface RankedClass {
  readonly label: string;
  readonly probability: number;
}

export interface Prediction {
  readonly name: string;
  /** The most probable class, or {@link unknownLabel} where it is less probable than asked for. */
  readonly label: string;
  /** Of the most probable class. */
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

/**
 * The label of an image whose most probable class is less probable than the threshold.
 *
 * @example
 * ```ts
 * await using classifier = await loadClassifier('runs/fruit');
 * for await (const item of classifier.classify(['photo.jpg'], { threshold: 0.8 })) {
 *   if (!('error' in item) && item.label === unknownLabel) console.log('none is sure enough');
 * }
 * ```
 */
export const unknownLabel = 'unknown';

export interface LabelOptions {
  /** Length of each ranking; default: all classes. */
  readonly topK?: number | undefined;
  /** Below this probability the label is `unknown`, 0 to 1; default 0: never. */
  readonly threshold?: number | undefined;
}

export interface ClassifyOptions extends LabelOptions, OperationOptions {
  /** Images in one inference at most; default 8 on the CPU, 64 on a GPU. */
  readonly batchSize?: number | undefined;
}

/** Batches handed to the model: one in inference, one that waits for it. */
const batchesInFlight = 2;

/** Images being read or decoded, or decoded and waiting to enter a batch, at least. */
const decodedAhead = 16;

export interface ReadImageOptions extends OperationOptions {
  /** Larger pictures are refused before they are decoded; default: 100 megapixels. */
  readonly maxPixels?: number | undefined;
  /** Called where the picture is large and waits until other large ones are decoded. */
  readonly onQueued?: (() => void) | undefined;
}

/** What is known of an image before inference: the model's pixels, or why there are none. */
export type ReadImage = { readonly name: string; readonly pixels: Uint8Array } | UnreadableImage;

/** What a classifier needs of its model: an open {@link Backbone} that gives probabilities. */
export type ImageModel = Pick<Backbone, 'info' | 'run' | 'close'>;

/**
 * A trained run, ready to label images. Close it after use.
 *
 * @example
 * ```ts
 * await using classifier = await loadClassifier('runs/fruit');
 * for await (const item of classifier.classify(['photo.jpg'])) {
 *   console.log('error' in item ? item.error : `${item.name}: ${item.label}`);
 * }
 * ```
 */
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
   * Labels images, in the order given; each result comes as soon as it is ready. Reading, decoding
   * and inference overlap, and memory is bounded whatever the number of images. An image that
   * cannot be read gives a result with `error`.
   *
   * @throws HeadstartError `USAGE` for a wrong option; `signal.reason` where aborted
   */
  async *classify(
    images: Iterable<ImageInput> | AsyncIterable<ImageInput>,
    options: ClassifyOptions = {},
  ): AsyncGenerator<Classified, void, undefined> {
    const { signal, topK = this.classes.length, threshold = 0 } = options;
    const { batchSize = this.backbone.provider === 'cpu' ? 8 : 64 } = options;
    checkCount('topK', topK);
    checkCount('batchSize', batchSize);
    checkShare('threshold', threshold);
    const ahead = Math.max(decodedAhead, batchSize);
    const read = mapOrdered(images, ahead, (image) => this.read(image), { signal });
    const label = (batch: readonly ReadImage[]) => this.label(batch, { topK, threshold });
    const batches = inBatches(read, batchSize);
    for await (const batch of mapOrdered(batches, batchesInFlight, label, { signal })) {
      yield* batch;
      signal?.throwIfAborted();
    }
  }

  /** Reads and decodes an image as the model takes it. What cannot be read is not an error here. */
  async read(input: ImageInput, options: ReadImageOptions = {}): Promise<ReadImage> {
    const name = typeof input === 'string' ? input : input.name;
    try {
      const bytes = await readInput(input);
      return { name, pixels: await decodeImage(bytes, { ...this.#image, ...options }, name) };
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
    { topK = this.classes.length, threshold = 0 }: LabelOptions = {},
  ): Promise<Classified[]> {
    const readable = batch.flatMap((image) => ('pixels' in image ? [image.pixels] : []));
    const probabilities = await this.#run(readable);
    const size = this.classes.length;
    let row = 0;
    return batch.map((image) => {
      if ('error' in image) return image;
      const ranking = this.#rank(probabilities.subarray(row * size, ++row * size), topK);
      const best = ranking[0] as RankedClass;
      const { probability } = best;
      return { name: image.name, label: labelAt(best, threshold), probability, ranking };
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

function checkCount(option: string, value: number): void {
  if (Number.isInteger(value) && value >= 1) return;
  throw new HeadstartError(
    'USAGE',
    `The option ${option} must be an integer from 1, not ${value}.`,
  );
}

/** The label, or {@link unknownLabel} where it is less probable than asked for. */
export function labelAt({ label, probability }: RankedClass, threshold: number): string {
  return probability >= threshold ? label : unknownLabel;
}

/** @throws HeadstartError `USAGE` */
export function checkShare(option: string, value: number): void {
  if (value >= 0 && value <= 1) return;
  throw new HeadstartError('USAGE', `The option ${option} must be from 0 to 1, not ${value}.`);
}
