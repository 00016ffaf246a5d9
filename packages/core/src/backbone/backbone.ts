import { HeadstartError } from '../base/errors.ts';
import { digestOfBackbone } from '../onnx/index.ts';
import { type BackboneFile, shownName } from './file.ts';
import type { InferenceWorker } from './inference-worker.ts';
import {
  type BackboneInfo,
  describeOnCpu,
  type OpenBackboneOptions,
  type StartedBackbone,
  startBackbone,
} from './session.ts';

/** A head on a backbone: runs as the backbone does, and gives probabilities [count, classes]. */
export interface OpenHead {
  readonly info: BackboneInfo;
  run(images: Uint8Array, count: number): Promise<Float32Array>;
  close(): Promise<void>;
}

/** The worker of the backbones that share it: started by the first that runs, ended with the last. */
class SharedWorker {
  readonly #start: () => Promise<InferenceWorker>;
  #started: Promise<InferenceWorker> | undefined;
  #users = 0;

  /** @param worker that runs already, or what starts it */
  constructor(worker: InferenceWorker | (() => Promise<InferenceWorker>)) {
    this.#start = typeof worker === 'function' ? worker : async () => worker;
    if (typeof worker !== 'function') this.#started = this.#start();
  }

  retain(): void {
    this.#users++;
  }

  /** @throws HeadstartError what starting it showed, each time */
  get(): Promise<InferenceWorker> {
    this.#started ??= this.#start();
    return this.#started;
  }

  async release(): Promise<void> {
    if (--this.#users > 0) return;
    await (await this.#started?.catch(() => undefined))?.close();
  }
}

/**
 * A backbone in a worker thread. Close it after use; the thread ends with the last of the backbones
 * that share it.
 *
 * Runs are queued and done in order: with two in flight, the worker never waits.
 */
export class Backbone implements AsyncDisposable {
  readonly info: BackboneInfo;
  readonly #worker: SharedWorker;
  #closed = false;

  private constructor(info: BackboneInfo, worker: SharedWorker) {
    this.info = info;
    this.#worker = worker;
    worker.retain();
  }

  /**
   * Opens a backbone file on the chosen device, and starts it.
   *
   * @throws HeadstartError `BACKBONE_UNSUITABLE`, `GPU_REQUIRED`; `signal.reason` where aborted
   */
  static async open(file: BackboneFile, options: OpenBackboneOptions = {}): Promise<Backbone> {
    const { info, worker } = await startBackbone(file, options);
    return new Backbone(info, new SharedWorker(worker));
  }

  /**
   * Opens a backbone that is started by its first run: where all features are in the cache, the
   * seconds that this takes are not spent. Where only running shows what the backbone is (on a GPU, or
   * where the file does not declare the shape of its features), it is started at once.
   *
   * @throws HeadstartError as {@link Backbone.open}; what only starting it shows is thrown by `run`
   */
  static async openLazily(
    file: BackboneFile,
    options: OpenBackboneOptions = {},
  ): Promise<Backbone> {
    options.signal?.throwIfAborted();
    const info = await describeOnCpu(file, options);
    if (!info) return Backbone.open(file, options);
    return new Backbone(info, new SharedWorker(() => startAs(info, { ...options, device: 'cpu' })));
  }

  /**
   * Runs images through the backbone.
   *
   * @param images uint8 RGB [count, height, width, 3]; not kept and not changed. In shared memory they are
   * not copied either: nobody may change them meanwhile
   * @param into shared memory for the features, which saves copying them
   * @returns features [count, ...featureShape], NHWC; `into` where it has their size
   * @throws HeadstartError `INTERNAL` where the images have another size, or inference fails
   */
  async run(
    images: Uint8Array,
    count: number,
    into?: Float32Array<SharedArrayBuffer>,
  ): Promise<Float32Array> {
    this.#check(images, count);
    return (await (await this.#worker.get()).run(images, count, { into })).data;
  }

  /**
   * The same backbone for another user, who closes it too.
   *
   * @param file under whose name it goes: of the same weights and precision
   */
  share(file: BackboneFile = this.info): Backbone {
    return new Backbone({ ...this.info, ...file }, this.#worker);
  }

  /**
   * Puts a head on the features, beside others that there may be. It ends with the backbone, or is
   * closed before.
   *
   * @param model `features` in, `probabilities` out
   * @param classes numbers that it gives for an image
   * @throws HeadstartError `INTERNAL` where ONNX Runtime refuses the model
   */
  async addHead(model: Uint8Array, classes: number): Promise<OpenHead> {
    const worker = await this.#worker.get();
    const head = await worker.addHead(model);
    return {
      info: { ...this.info, featureShape: [classes] },
      // Asked of the worker at once: what was asked for before a head is closed is still answered.
      run: async (images, count) => {
        this.#check(images, count);
        return (await worker.run(images, count, { head })).data;
      },
      close: async () => worker.removeHead(head),
    };
  }

  #check(images: Uint8Array, count: number): void {
    if (this.#closed) throw new HeadstartError('INTERNAL', 'The backbone was closed.');
    const { height, width } = this.info.input;
    if (images.length === count * height * width * 3 && count >= 1) return;
    throw new HeadstartError(
      'INTERNAL',
      `${images.length} bytes are not ${count} images of ${height}x${width}x3.`,
    );
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#worker.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Starts the backbone that was described, perhaps hours ago. */
async function startAs(info: BackboneInfo, options: OpenBackboneOptions): Promise<InferenceWorker> {
  const started = await startBackbone(info, options);
  try {
    await checkSame(info, started);
    return started.worker;
  } catch (error) {
    await started.worker.close();
    throw error;
  }
}

/** Features are kept under the digest that the file had when it was described. */
async function checkSame(info: BackboneInfo, started: StartedBackbone): Promise<void> {
  const shown = shownName(info);
  if ((await digestOfBackbone(info.path)) !== info.sha256) {
    throw new HeadstartError(
      'BACKBONE_UNSUITABLE',
      `The backbone ${shown} was replaced while the command ran: repeat the command.`,
    );
  }
  const [declared, given] = [info, started.info].map(({ featureShape }) => featureShape.join('x'));
  if (declared === given) return;
  throw new HeadstartError(
    'BACKBONE_UNSUITABLE',
    `${shown} declares features of ${declared}, but gives ${given}. Export it with the shape that it has.`,
  );
}
