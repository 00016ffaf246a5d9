import {
  type EpochRecord,
  isAbort,
  type Retrainer,
  reasonOf,
  type TrainSummary,
} from '@headstart/core';
import { ApiError } from './api-error.ts';

/** Where a training stands; `ready` means that the new run is served. */
export interface TrainingState {
  readonly status: 'idle' | 'preparing' | 'training' | 'saving' | 'ready' | 'failed' | 'cancelled';
  /** At most. */
  readonly epochs: number;
  readonly history: readonly EpochRecord[];
  /** From the first epoch's start to the last one's end. */
  readonly train_seconds: number | null;
  /** Name of the new run, where there is one. */
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

/** Trains heads again, one at a time, and tells who listens how it goes. */
export class Training {
  readonly #retrainer: Retrainer;
  readonly #take: (summary: TrainSummary) => Promise<void>;
  readonly #listeners = new Set<Listener>();
  #state = idle;
  #abort: AbortController | undefined;
  #done: Promise<void> = Promise.resolve();

  /** @param take puts a new run to use */
  constructor(retrainer: Retrainer, take: (summary: TrainSummary) => Promise<void>) {
    this.#retrainer = retrainer;
    this.#take = take;
  }

  get state(): TrainingState {
    return this.#state;
  }

  /** Hears of the state now, and of each change. @returns ends that */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    listener(this.#state);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Starts training a run again.
   *
   * @throws ApiError 409 where a training is going on
   */
  start(run: string): void {
    if (this.#abort) {
      throw new ApiError(409, 'TRAINING', 'A training is going on: wait for it, or cancel it.');
    }
    const abort = new AbortController();
    this.#abort = abort;
    this.#set({ ...idle, status: 'preparing' });
    this.#done = this.#train(run, abort.signal).finally(() => {
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

  async #train(run: string, signal: AbortSignal): Promise<void> {
    try {
      const summary = await this.#retrainer.train({
        run,
        signal,
        onEpoch: (record, epochs) => {
          const history = [...this.#state.history, record];
          this.#set({ ...this.#state, status: 'training', epochs, history });
        },
        onTrained: () => this.#set({ ...this.#state, status: 'saving' }),
      });
      await this.#take(summary);
      this.#set({
        ...this.#state,
        status: 'ready',
        run: summary.run.split(/[\\/]/).at(-1) ?? summary.run,
        accuracy: summary.validation.accuracy,
        train_seconds: summary.timing.train_s,
      });
    } catch (error) {
      const status = isAbort(error, signal) ? 'cancelled' : 'failed';
      this.#set({ ...this.#state, status, error: status === 'failed' ? reasonOf(error) : null });
    }
  }

  #set(state: TrainingState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}
