import { binding } from './binding.ts';
import { callNative, NativeError, toNativeError } from './errors.ts';
import { type FeatureStore, nativeStore } from './feature-store.ts';
import type {
  EvaluationMetrics,
  HeadBatch,
  LabelledRows,
  NativeState,
  NativeTrainer,
  OptimizerState,
  TensorMap,
  TrainerOptions,
  TrainMetrics,
} from './native-module.ts';
import { requireTensors } from './tensors.ts';
import {
  maxClasses,
  nativeConfig,
  requireLearningRate,
  requireLearningRates,
} from './trainer-options.ts';
import {
  invalidArgument,
  requireArray,
  requireBoolean,
  requireIndices,
  requireInteger,
  requireObject,
} from './validate.ts';

export interface AbortOptions {
  /** Aborting rejects with `ABORTED`, whose cause is `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
}

export interface TrainStepsOptions {
  readonly store: FeatureStore;
  /** One entry a head. Steps are consecutive runs of `batchSize` rows; the last may be short. */
  readonly batches: readonly HeadBatch[];
  /** 1 … 65536. */
  readonly batchSize: number;
}

export interface PredictOptions {
  readonly store: FeatureStore;
  readonly rows: Int32Array;
  /** 0 by default. */
  readonly head?: number | undefined;
  /** Samples computed at once: memory, not results, depends on it. 256 by default. */
  readonly batchSize?: number | undefined;
}

export interface EvaluateOptions extends PredictOptions {
  readonly labels: Int32Array;
}

export interface EvaluateHeadsOptions {
  readonly store: FeatureStore;
  /** One entry a head. */
  readonly batches: readonly LabelledRows[];
  /** Samples computed at once: memory, not results, depends on it. 256 by default. */
  readonly batchSize?: number | undefined;
}

export interface GradientsOptions {
  readonly store: FeatureStore;
  readonly rows: Int32Array;
  readonly labels: Int32Array;
  readonly head?: number | undefined;
  /** Whether dropout acts as in the next training step; false by default. */
  readonly dropout?: boolean | undefined;
}

const maxBatch = 65_536;

/**
 * Trains one or more heads of the same layers over the same features, with softmax
 * cross-entropy. Weights start Glorot-uniform, biases at zero. Heads are independent: what one
 * learns does not depend on which others are trained with it.
 *
 * One operation runs at a time (`BUSY` otherwise), on threads of its own. Results are the same
 * bits for any number of threads, and on processors with AVX2 and with AVX-512. Not-a-number and infinite features are not refused: they make
 * `loss` not-a-number, and the weights with it, so check the loss after each call.
 *
 * @example
 * using trainer = new Trainer({
 *   inputShape: [1, 1, 512],
 *   layers: [{ type: 'dense', name: 'dense', units: 3 }],
 *   classes: 3,
 *   heads: [{ seed: 0, learningRate: 1e-3 }],
 * });
 * const [metrics] = await trainer.trainSteps({ store, batches: [{ rows, labels }], batchSize: 32 });
 */
export class Trainer implements Disposable {
  readonly classes: number;
  readonly heads: number;
  readonly #native: NativeTrainer;

  /**
   * @throws NativeError `INVALID_ARGUMENT` naming the option or layer; `DEVICE_UNAVAILABLE` where
   *   the backend cannot train here; `OUT_OF_MEMORY`; `ADDON_MISSING`
   */
  constructor(options: TrainerOptions) {
    const config = nativeConfig(options);
    this.classes = config.classes;
    this.heads = config.heads.length;
    this.#native = callNative(() => new (binding().Trainer)(config));
  }

  /**
   * Trains every head on its own samples and resolves with one entry a head. Loss and accuracy are
   * those that each step saw before its update.
   *
   * An abort takes effect after the step in flight: the weights are those after that step, the
   * metrics are lost.
   */
  async trainSteps(
    options: TrainStepsOptions,
    { signal }: AbortOptions = {},
  ): Promise<TrainMetrics[]> {
    requireObject('options', options);
    const { store, batchSize } = options;
    const native = nativeStore('store', store);
    requireInteger('batchSize', batchSize, 1, maxBatch);
    const checked = this.#checkBatches(options.batches).map((batch, i) => {
      const name = `batches[${i}].`;
      const samples = this.#checkSamples(name, batch.rows, batch.labels, store);
      const steps = Math.ceil(samples.rows.length / batchSize);
      const rates = requireLearningRates(`${name}learningRates`, batch.learningRates, steps);
      return { ...samples, learningRates: rates };
    });
    return this.#run(signal, () => this.#native.trainSteps(native, checked, batchSize));
  }

  /** Loss and accuracy of a head on labelled rows, without dropout. */
  async evaluate(
    options: EvaluateOptions,
    { signal }: AbortOptions = {},
  ): Promise<EvaluationMetrics> {
    requireObject('options', options);
    const { store, batchSize } = options;
    const head = this.#checkHead(options.head);
    const none = { rows: new Int32Array(0), labels: new Int32Array(0) };
    const batches = Array.from({ length: this.heads }, (_, i) =>
      i === head ? { rows: options.rows, labels: options.labels } : none,
    );
    const metrics = await this.#evaluate('', { store, batches, batchSize }, signal);
    return metrics[head] as EvaluationMetrics;
  }

  /** The same for every head at once; one without rows gives zeros. */
  async evaluateHeads(
    options: EvaluateHeadsOptions,
    { signal }: AbortOptions = {},
  ): Promise<EvaluationMetrics[]> {
    requireObject('options', options);
    return this.#evaluate('batches', options, signal);
  }

  /** Probabilities, `[rows, classes]` in row-major order, without dropout. */
  async predict(options: PredictOptions, { signal }: AbortOptions = {}): Promise<Float32Array> {
    requireObject('options', options);
    const { store, batchSize = 256 } = options;
    const native = nativeStore('store', store);
    const head = this.#checkHead(options.head);
    requireInteger('batchSize', batchSize, 1, maxBatch);
    const rows = requireIndices('rows', options.rows, store.length);
    return this.#run(signal, () => this.#native.predict(native, head, rows, batchSize));
  }

  /** The loss of one batch and its gradient by every parameter. Changes nothing. */
  async gradients(options: GradientsOptions): Promise<{ loss: number; gradients: TensorMap }> {
    requireObject('options', options);
    const { store } = options;
    const native = nativeStore('store', store);
    const head = this.#checkHead(options.head);
    const dropout = requireBoolean('dropout', options.dropout ?? false);
    const { rows, labels } = this.#checkSamples('', options.rows, options.labels, store);
    requireInteger('rows.length', rows.length, 1, maxBatch);
    return this.#run(undefined, () => this.#native.gradients(native, head, rows, labels, dropout));
  }

  /** A copy of every parameter by name, as `conv2d/kernel`, in the order of the layers. */
  getWeights(head = 0): TensorMap {
    return this.#getTensors(head, 'weights');
  }

  /** Takes a copy of every parameter; names and shapes must be those of `getWeights`. */
  setWeights(weights: Readonly<TensorMap>, head = 0): void {
    this.#setTensors(head, 'weights', requireTensors('weights', weights));
  }

  /** The rate from the next step on. */
  setLearningRate(learningRate: number, head = 0): void {
    const index = this.#checkHead(head);
    requireLearningRate('learningRate', learningRate);
    callNative(() => this.#native.setLearningRate(index, learningRate));
  }

  /** With the weights, all that a resumed run needs to go on to the same bits. */
  getOptimizerState(head = 0): OptimizerState {
    const index = this.#checkHead(head);
    const step = callNative(() => this.#native.getStep(index));
    return { step, m: this.#getTensors(index, 'm'), v: this.#getTensors(index, 'v') };
  }

  setOptimizerState(state: OptimizerState, head = 0): void {
    const index = this.#checkHead(head);
    requireObject('state', state);
    requireInteger('state.step', state.step, 0, 2 ** 31 - 1);
    const m = requireTensors('state.m', state.m);
    const v = requireTensors('state.v', state.v);
    this.#setTensors(index, 'm', m);
    this.#setTensors(index, 'v', v);
    callNative(() => this.#native.setStep(index, state.step));
  }

  /** Ends the operation in flight after its step and gives the memory back; again does nothing. */
  dispose(): void {
    this.#native.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #evaluate(
    name: string,
    { store, batches, batchSize = 256 }: EvaluateHeadsOptions,
    signal: AbortSignal | undefined,
  ): Promise<EvaluationMetrics[]> {
    const native = nativeStore('store', store);
    requireInteger('batchSize', batchSize, 1, maxBatch);
    const checked = this.#checkBatches(batches).map((batch, i) =>
      this.#checkSamples(name && `${name}[${i}].`, batch.rows, batch.labels, store),
    );
    return this.#run(signal, () => this.#native.evaluate(native, checked, batchSize));
  }

  /** One object a head. */
  #checkBatches(batches: unknown): Record<string, unknown>[] {
    const list = requireArray('batches', batches);
    if (list.length !== this.heads) {
      throw invalidArgument('batches', `an array of ${this.heads}, one entry a head,`, batches);
    }
    return list.map((batch, i) => requireObject(`batches[${i}]`, batch));
  }

  #getTensors(head: number, state: NativeState): TensorMap {
    const index = this.#checkHead(head);
    return callNative(() => this.#native.getTensors(index, state));
  }

  #setTensors(head: number, state: NativeState, tensors: Readonly<TensorMap>): void {
    const index = this.#checkHead(head);
    callNative(() => this.#native.setTensors(index, state, tensors));
  }

  #checkHead(head: unknown = 0): number {
    return requireInteger('head', head, 0, this.heads - 1);
  }

  #checkSamples(prefix: string, rows: unknown, labels: unknown, store: FeatureStore): LabelledRows {
    const indices = requireIndices(`${prefix}rows`, rows, store.length);
    const classes = requireIndices(`${prefix}labels`, labels, Math.min(this.classes, maxClasses));
    if (classes.length !== indices.length) {
      throw invalidArgument(`${prefix}labels`, `${indices.length} labels, one per row,`, classes);
    }
    return { rows: indices, labels: classes };
  }

  /** Ties an abort to the operation. Its error has the caller's stack. */
  async #run<T>(signal: AbortSignal | undefined, start: () => Promise<T>): Promise<T> {
    if (signal?.aborted) throw aborted(signal);
    const abort = () => this.#native.abort();
    const running = callNative(start);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return await running;
    } catch (error) {
      const native = toNativeError(error);
      const isAbort = native instanceof NativeError && native.code === 'ABORTED';
      throw isAbort && signal?.aborted ? aborted(signal) : native;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }
}

function aborted(signal: AbortSignal): NativeError {
  return new NativeError('ABORTED', 'The operation was aborted.', { cause: signal.reason });
}
