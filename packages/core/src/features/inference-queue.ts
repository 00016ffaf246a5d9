import { encodeRows } from '@headstart/native';
import type { Backbone } from '../backbone/index.ts';
import { BufferPool } from '../base/buffer-pool.ts';
import { HeadstartError } from '../base/errors.ts';
import { maxFloat16 } from '../base/float16.ts';
import {
  expectedHeaders,
  headerBytes,
  type RecordLayout,
  recordBytes,
  rowBytes,
} from './record.ts';
import { rowLength } from './set.ts';
import type { FeatureStore } from './store.ts';

/** Batches handed to the backbone and not yet written: one in inference, one waiting for it. */
const batchesInFlight = 2;

export interface InferenceQueueOptions {
  readonly backbone: Pick<Backbone, 'run' | 'info'>;
  readonly cache: FeatureStore;
  readonly layout: RecordLayout;
  readonly batchSize: number;
  /** Called with the keys of a batch that is on disk. */
  readonly onWritten: (keys: readonly Buffer[]) => void;
}

interface Entry {
  readonly key: Buffer;
  /** The image, for messages. */
  readonly name: string;
}

/**
 * Gathers images into batches, runs the backbone on them and writes the features to the cache, a
 * batch a transaction. While one batch is written the next is in inference.
 */
export class InferenceQueue {
  readonly #options: InferenceQueueOptions;
  readonly #imageBytes: number;
  readonly #inFlight = new Set<Promise<void>>();
  /** Memory that the backbone's thread shares: nothing is copied on the way to it and back. */
  readonly #images = new BufferPool(
    batchesInFlight + 1,
    (length) => new Uint8Array(new SharedArrayBuffer(length)),
  );
  readonly #features = new BufferPool(
    batchesInFlight,
    (length) => new Float32Array(new SharedArrayBuffer(4 * length)),
  );
  readonly #records = new BufferPool(batchesInFlight, (length) => Buffer.allocUnsafeSlow(length));
  #pixels: Uint8Array<SharedArrayBuffer> | undefined;
  #entries: Entry[] = [];
  /** The batch that was begun last: the next one is written after it. */
  #latest: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;

  constructor(options: InferenceQueueOptions) {
    this.#options = options;
    const { height, width } = options.backbone.info.input;
    this.#imageBytes = height * width * 3;
  }

  /** Adds an image; waits where enough batches are in flight. Throws what an earlier batch failed with. */
  async add(pixels: Uint8Array, entry: Entry): Promise<void> {
    this.#pixels ??= this.#images.take(this.#options.batchSize * this.#imageBytes);
    this.#pixels.set(pixels, this.#entries.length * this.#imageBytes);
    this.#entries.push(entry);
    if (this.#entries.length === this.#options.batchSize) await this.#flush();
  }

  /** Runs what has been added, waits until all is written. */
  async finish(): Promise<void> {
    if (this.#entries.length > 0) await this.#flush();
    await this.settle();
    this.#throwFailure();
  }

  /** Waits for the batches in flight, whatever becomes of them. */
  async settle(): Promise<void> {
    await Promise.all(this.#inFlight);
  }

  async #flush(): Promise<void> {
    while (this.#inFlight.size >= batchesInFlight) await Promise.race(this.#inFlight);
    this.#throwFailure();
    const entries = this.#entries;
    const pixels = this.#pixels as Uint8Array<SharedArrayBuffer>;
    this.#entries = [];
    this.#pixels = undefined;
    const task = this.#process(pixels, entries, this.#latest)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#inFlight.delete(task));
    this.#inFlight.add(task);
    this.#latest = task;
  }

  async #process(
    pixels: Uint8Array<SharedArrayBuffer>,
    entries: readonly Entry[],
    before: Promise<void>,
  ): Promise<void> {
    const { backbone, cache, layout, onWritten } = this.#options;
    const images = pixels.subarray(0, entries.length * this.#imageBytes);
    const length = rowLength(layout.shape);
    const shared = this.#features.take(entries.length * length);
    const features = await backbone.run(images, entries.length, shared);
    this.#images.give(pixels);
    if (features.length !== entries.length * length) {
      throw new HeadstartError(
        'BACKBONE_UNSUITABLE',
        `The backbone ${backbone.info.name} gave ${features.length} numbers for ${entries.length} images, not ${length} each.`,
      );
    }
    const keys = entries.map(({ key }) => key);
    const records = await this.#encode(features, length, entries, keys);
    this.#features.give(shared);
    await before;
    cache.putEncoded(records);
    this.#records.give(records);
    onWritten(keys);
  }

  /** The records of a batch, made off the main thread. */
  async #encode(
    features: Float32Array,
    length: number,
    entries: readonly Entry[],
    keys: readonly Buffer[],
  ): Promise<Buffer<ArrayBuffer>> {
    const { layout, backbone } = this.#options;
    const target = this.#records.take(keys.length * recordBytes(rowBytes(layout)));
    const headers = { ...expectedHeaders(keys, layout), headerBytes };
    const bad = await encodeRows({ numbers: features, ...headers, dtype: layout.dtype, target });
    if (bad < 0) return target;
    const value = features[bad] as number;
    const image = entries[Math.floor(bad / length)]?.name;
    const advice = Number.isFinite(value)
      ? `float16 ends at ${maxFloat16}: keep features as float32 (\`featureDtype\` float32)`
      : 'its features are of no use';
    throw new HeadstartError(
      'BACKBONE_UNSUITABLE',
      `The backbone ${backbone.info.name} gives ${value} for ${image}: ${advice}.`,
    );
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
