import { Worker } from 'node:worker_threads';
import { HeadstartError } from '../base/errors.ts';
import { forbidTelemetry } from '../base/onnx-runtime.ts';
import { guardMemory, release } from './exit-guard.ts';
import { workerFlags } from './worker-flags.ts';
import type { RunRequest, WorkerAnswer, WorkerRequest, WorkerSetup } from './worker-messages.ts';

type Result = Extract<WorkerAnswer, { type: 'result' }>;

interface Waiting {
  readonly resolve: (answer: WorkerAnswer) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The worker thread, and the requests that wait for its answers. Only those keep the process: a program that
 * forgets to close what it opened ends all the same.
 */
export class InferenceWorker {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #ended: Error | undefined;
  readonly #exited: Promise<void>;

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.unref();
    worker.on('message', (answer: WorkerAnswer) => this.#take(answer));
    worker.on('error', (error) => this.#end(error));
    this.#exited = new Promise((resolve) => {
      worker.on('exit', () => {
        this.#end(new Error('the inference worker has ended'));
        resolve();
      });
    });
  }

  /** @throws Error with ONNX Runtime's reason where the session cannot be made */
  static async start(setup: Omit<WorkerSetup, 'guard'>): Promise<InferenceWorker> {
    forbidTelemetry();
    const guard = guardMemory();
    const workerData: WorkerSetup = { ...setup, guard };
    const worker = new Worker(new URL('./worker.js', import.meta.url), {
      workerData,
      execArgv: workerFlags(),
    });
    worker.once('exit', () => release(guard));
    const first = await new Promise<WorkerAnswer>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`the inference worker ended with ${code}`)));
    });
    if (first.type === 'ready') return new InferenceWorker(worker);
    await worker.terminate();
    throw new Error(first.type === 'failed' ? first.message : 'the inference worker did not start');
  }

  async run(
    images: Uint8Array,
    count: number,
    { head, into }: Pick<RunRequest, 'head' | 'into'> = {},
  ): Promise<{ readonly data: Float32Array; readonly shape: readonly number[] }> {
    const shared = images.buffer instanceof SharedArrayBuffer;
    // A copy, to be handed over: of a view, the whole buffer behind it would be sent.
    const own = shared ? images : new Uint8Array(images);
    const result = await this.#ask(
      (id) => ({ id, images: own, count, head, into }),
      shared ? [] : [own.buffer as ArrayBuffer],
    );
    const { data = into as Float32Array, shape } = result as Result;
    return { data, shape };
  }

  /** @returns what the head is called in runs, and when it is removed */
  async addHead(model: Uint8Array): Promise<number> {
    const own = new Uint8Array(model);
    const head = this.#next;
    await this.#ask((id) => ({ id, add: head, model: own }), [own.buffer]);
    return head;
  }

  /** After the runs that were asked for before. */
  removeHead(head: number): void {
    if (!this.#ended) this.#worker.postMessage({ remove: head } satisfies WorkerRequest);
  }

  /**
   * Rejects what still waits. The worker ends by itself, after the runs that it has begun: a thread
   * that is stopped within ONNX Runtime takes the process with it.
   */
  async close(): Promise<void> {
    this.#end(new Error('the backbone was closed'));
    this.#worker.ref();
    this.#worker.postMessage('close' satisfies WorkerRequest);
    await this.#exited;
  }

  /** @param transfer memory that is handed over with the request */
  #ask(request: (id: number) => WorkerRequest, transfer: ArrayBuffer[]) {
    if (this.#ended) return Promise.reject(inferenceError(this.#ended.message));
    const id = this.#next++;
    return new Promise<WorkerAnswer>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage(request(id), transfer);
    });
  }

  #take(answer: WorkerAnswer): void {
    if (!('id' in answer)) return;
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    // Who closes waits for the thread's end, whatever answers still come.
    if (this.#waiting.size === 0 && !this.#ended) this.#worker.unref();
    if (answer.type === 'error') waiting?.reject(inferenceError(answer.message));
    else waiting?.resolve(answer);
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.values()) reject(inferenceError(error.message));
    this.#waiting.clear();
  }
}

function inferenceError(why: string): HeadstartError {
  return new HeadstartError('INTERNAL', `The backbone could not be run: ${why}.`);
}
