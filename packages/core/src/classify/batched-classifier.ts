import { HeadstartError } from '../base/errors.ts';
import type { OperationOptions } from '../base/operation.ts';
import {
  type Classified,
  type Classifier,
  checkShare,
  type LabelOptions,
  labelAt,
  type Prediction,
  type ReadImage,
} from './classifier.ts';
import type { ImageInput } from './read-input.ts';

export interface BatchedClassifierOptions {
  /** Images in one inference at most; default as in `classify`: 8 on the CPU, 64 on a GPU. */
  readonly batchSize?: number | undefined;
  /** How long an idle model waits for images that are being decoded, in ms; default 5. */
  readonly maxWaitMs?: number | undefined;
  /** Images accepted and not yet labelled, at most; default 256. */
  readonly queueLimit?: number | undefined;
  /** Images decoded at once; default 4, the threads of Node's pool. */
  readonly decoders?: number | undefined;
  /** Larger pictures are refused before they are decoded; default: 100 megapixels. */
  readonly maxPixels?: number | undefined;
  readonly onBatch?:
    | ((batch: { readonly images: number; readonly seconds: number }) => void)
    | undefined;
}

/** Images of one caller, and what has become of them so far. */
interface Request {
  readonly images: readonly ImageInput[];
  readonly results: Classified[];
  readonly topK: number | undefined;
  readonly threshold: number;
  readonly signal: AbortSignal | undefined;
  readonly finish: (error?: unknown) => void;
  /** Index of the next image to decode. */
  next: number;
  left: number;
  /** Answered, failed or given up: its images are dropped where they are met. */
  over: boolean;
}

interface ReadyImage {
  readonly request: Request;
  readonly index: number;
  readonly image: ReadImage;
  readonly since: number;
}

/** Two keep the model busy: its next batch lies there when one ends. */
const batchesInFlight = 2;

/**
 * Labels images of many callers in common batches: while one batch is in inference, images of the
 * next are decoded and collected. Callers take turns, an image each, so that a caller with many
 * images does not keep one with few waiting; how many wait in all is bounded.
 *
 * @example
 * ```ts
 * await using shared = new BatchedClassifier(await loadClassifier('runs/fruit'));
 * const [ours, theirs] = await Promise.all([
 *   shared.classify(['a.jpg']),
 *   shared.classify(['b.jpg', 'c.jpg']),
 * ]);
 * ```
 */
export class BatchedClassifier {
  readonly classifier: Classifier;
  readonly #batchSize: number;
  readonly #maxWaitMs: number;
  readonly #decoders: number;
  readonly #options: BatchedClassifierOptions;
  readonly #queueLimit: number;
  /** Requests with images to decode, the next in turn first. */
  readonly #turns: Request[] = [];
  #ready: ReadyImage[] = [];
  #decoding = 0;
  #inFlight = 0;
  #waiting = 0;
  #timer: NodeJS.Timeout | undefined;
  #idle: (() => void) | undefined;
  #closed = false;

  constructor(classifier: Classifier, options: BatchedClassifierOptions = {}) {
    this.classifier = classifier;
    this.#options = options;
    this.#batchSize = options.batchSize ?? (classifier.backbone.provider === 'cuda' ? 64 : 8);
    this.#maxWaitMs = options.maxWaitMs ?? 5;
    this.#queueLimit = options.queueLimit ?? 256;
    this.#decoders = options.decoders ?? 4;
  }

  /** Images accepted and not yet labelled. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Labels images, in order. An image that cannot be read gives a result with `error`.
   *
   * @throws HeadstartError `BUSY` where too many images wait already, `USAGE` for a wrong option;
   *   `signal.reason` where aborted
   */
  classify(
    images: readonly ImageInput[],
    { topK, threshold = 0, signal }: LabelOptions & OperationOptions = {},
  ): Promise<Classified[]> {
    if (this.#closed || this.#waiting + images.length > this.#queueLimit) {
      return Promise.reject(
        new HeadstartError(
          'BUSY',
          `Too many images are waiting already (${this.#waiting}): try again later.`,
        ),
      );
    }
    return new Promise((resolve, reject) => {
      checkShare('threshold', threshold);
      if (signal?.aborted) return reject(signal.reason);
      if (images.length === 0) return resolve([]);
      const giveUp = () => request.finish(signal?.reason);
      const request: Request = {
        images,
        results: new Array<Classified>(images.length),
        topK,
        threshold,
        signal,
        next: 0,
        left: images.length,
        over: false,
        finish: (error) => {
          if (request.over) return;
          request.over = true;
          signal?.removeEventListener('abort', giveUp);
          this.#waiting -= images.length;
          if (error === undefined) resolve(request.results);
          else reject(error);
          if (this.#waiting === 0) this.#idle?.();
        },
      };
      signal?.addEventListener('abort', giveUp, { once: true });
      this.#waiting += images.length;
      this.#turns.push(request);
      this.#decode();
    });
  }

  /** Takes no more images, labels those accepted, and closes the classifier. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#waiting > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    }
    await this.classifier.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Starts decoding where there is room; what is decoded must not pile up before the model. */
  #decode(): void {
    while (this.#decoding < this.#decoders && this.#ready.length < 2 * this.#batchSize) {
      const request = this.#turns.shift();
      if (!request) return;
      if (request.over) continue;
      const index = request.next++;
      if (request.next < request.images.length) this.#turns.push(request);
      this.#decoding++;
      // A large picture, which waits for other large ones, keeps no decoder from small ones.
      let decoding = true;
      const done = () => {
        if (decoding) this.#decoding--;
        decoding = false;
        this.#decode();
      };
      void this.#read(request, index, done).then(() => {
        done();
        this.#dispatch();
      });
    }
  }

  async #read(request: Request, index: number, onQueued: () => void): Promise<void> {
    const { maxPixels } = this.#options;
    try {
      const { signal } = request;
      const options = { maxPixels, signal, onQueued };
      const image = await this.classifier.read(request.images[index] as ImageInput, options);
      if (request.over) return;
      if ('error' in image) this.#answer(request, index, image);
      else this.#ready.push({ request, index, image, since: performance.now() });
    } catch (error) {
      request.finish(error);
    }
  }

  /** Sends a batch off where it is full, or where the model would have nothing to do. */
  #dispatch(): void {
    this.#ready = this.#ready.filter(({ request }) => !request.over);
    const first = this.#ready[0];
    if (!first || this.#inFlight >= batchesInFlight) return;
    const full = this.#ready.length >= this.#batchSize;
    if (!full && this.#inFlight > 0) return;
    const wait = this.#decoding > 0 ? first.since + this.#maxWaitMs - performance.now() : 0;
    if (!full && wait > 0) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#dispatch();
      }, wait);
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    void this.#run(this.#ready.splice(0, this.#batchSize)).then(() => {
      this.#decode();
      this.#dispatch();
    });
    this.#decode();
  }

  async #run(batch: readonly ReadyImage[]): Promise<void> {
    const started = performance.now();
    this.#inFlight++;
    try {
      const labelled = await this.classifier.label(batch.map(({ image }) => image));
      batch.forEach(({ request, index }, i) => {
        this.#answer(request, index, labelled[i] as Classified);
      });
      const seconds = (performance.now() - started) / 1000;
      this.#options.onBatch?.({ images: batch.length, seconds });
    } catch (error) {
      for (const { request } of batch) request.finish(error);
    } finally {
      this.#inFlight--;
    }
  }

  #answer(request: Request, index: number, item: Classified): void {
    request.results[index] = 'error' in item ? item : asAsked(item, request);
    if (--request.left === 0) request.finish();
  }
}

/** Images of several callers are labelled together; each has its own options. */
function asAsked(item: Prediction, { topK, threshold }: Pick<Request, 'topK' | 'threshold'>) {
  return { ...item, label: labelAt(item, threshold), ranking: item.ranking.slice(0, topK) };
}
