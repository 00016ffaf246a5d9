import {
  type EpochRecord,
  isAbort,
  type Retrainer,
  readTrainedRun,
  reasonOf,
  type TrainedRun,
} from '@headstart/core';
import { inFlags } from '../words.ts';
import { ApiError } from './api-error.ts';
import { runName } from './served-model.ts';

/** Where a training stands; `ready` means that the new run is served and complete on disk. */
export interface TrainingState {
  readonly status: 'idle' | 'preparing' | 'training' | 'saving' | 'ready' | 'failed' | 'cancelled';
  /** At most. */
  readonly epochs: number;
  readonly history: readonly EpochRecord[];
  /** From the first epoch's start to the last one's end. */
  readonly train_seconds: number | null;
  /** Name of the new run, once it is served: that may be before it is on disk. */
  readonly run: string | null;
  readonly accuracy: number | null;
  readonly error: string | null;
}

const idle: TrainingState = {
  status: 'idle',
  epochs: 0,
  history: [],
  train_seconds: null,
  run: null,
  accuracy: null,
  error: null,
};

type Listener = (state: TrainingState) => void;

/** What takes a new run into use. */
export interface RunServer {
  /** Of the run that is served. */
  readonly folder: string;
  /** Whether a run can be served before its folder is written. */
  fits(run: TrainedRun): boolean;
  serve(run: TrainedRun): Promise<void>;
}

/** Trains heads again, one at a time, and reports the progress to listeners. */
export class Training {
  readonly #retrainer: Retrainer;
  readonly #server: RunServer;
  readonly #listeners = new Set<Listener>();
  #state = idle;
  #abort: AbortController | undefined;
  #done: Promise<void> = Promise.resolve();

  constructor(retrainer: Retrainer, server: RunServer) {
    this.#retrainer = retrainer;
    this.#server = server;
  }

  get state(): TrainingState {
    return this.#state;
  }

  /** Calls the listener with the state now, and at each change. @returns ends that */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    listener(this.#state);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Starts training the run that is served again.
   *
   * @throws ApiError 409 where a training is going on
   */
  start(): void {
    if (this.#abort) {
      throw new ApiError(409, 'TRAINING', 'A training is going on: wait for it, or cancel it.');
    }
    const abort = new AbortController();
    this.#abort = abort;
    this.#set({ ...idle, status: 'preparing' });
    this.#done = this.#train(this.#server.folder, abort.signal).finally(() => {
      this.#abort = undefined;
    });
  }

  /** @returns whether there was one that could be stopped */
  cancel(): boolean {
    if (!this.#abort || this.#abort.signal.aborted) return false;
    this.#abort.abort();
    return true;
  }

  async close(): Promise<void> {
    this.cancel();
    await this.#done;
    this.#listeners.clear();
    await this.#retrainer[Symbol.asyncDispose]();
  }

  /** The new run is served as soon as its head is trained; where it then fails, the one before is. */
  async #train(before: string, signal: AbortSignal): Promise<void> {
    try {
      const summary = await this.#retrainer.train({
        run: before,
        signal,
        onEpoch: (record, epochs) => {
          const history = [...this.#state.history, record];
          this.#set({ ...this.#state, status: 'training', epochs, history });
        },
        onTrained: async (run) => {
          if (this.#server.fits(run)) await this.#serve(run);
          else this.#set({ ...this.#state, status: 'saving' });
        },
      });
      if (this.#state.run === null) await this.#serve(await readTrainedRun(summary.run));
      this.#set({ ...this.#state, status: 'ready' });
    } catch (error) {
      const back = this.#state.run === null ? undefined : await this.#goBack(before);
      const failure = back ?? (isAbort(error, signal) ? undefined : error);
      const status = failure === undefined ? 'cancelled' : 'failed';
      const why = failure === undefined ? null : inFlags(reasonOf(failure));
      this.#set({ ...this.#state, status, run: null, accuracy: null, error: why });
    }
  }

  async #serve(run: TrainedRun): Promise<void> {
    await this.#server.serve(run);
    const { result, timing } = run.record;
    this.#set({
      ...this.#state,
      status: 'saving',
      run: runName(run),
      accuracy: result.validation.accuracy,
      train_seconds: timing.trainSeconds,
    });
  }

  /** @returns why that was not possible */
  async #goBack(run: string): Promise<unknown> {
    try {
      await this.#server.serve(await readTrainedRun(run));
      return undefined;
    } catch (error) {
      return error;
    }
  }

  #set(state: TrainingState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}
