import { basename, resolve } from 'node:path';
import {
  BatchedClassifier,
  type BatchedClassifierOptions,
  type LoadClassifierOptions,
  loadClassifier,
  type RunRecord,
} from '@headstart/core';

/** The run that is being served; another can take its place while requests go on. */
export class ServedModel implements AsyncDisposable {
  readonly #load: LoadClassifierOptions;
  readonly #batching: BatchedClassifierOptions;
  #folder: string;
  #batched: BatchedClassifier;

  private constructor(
    folder: string,
    batched: BatchedClassifier,
    load: LoadClassifierOptions,
    batching: BatchedClassifierOptions,
  ) {
    this.#folder = folder;
    this.#batched = batched;
    this.#load = load;
    this.#batching = batching;
  }

  /** @throws HeadstartError `RUN_INVALID`, `GPU_REQUIRED` */
  static async open(
    folder: string,
    load: LoadClassifierOptions,
    batching: BatchedClassifierOptions,
  ): Promise<ServedModel> {
    const classifier = await loadClassifier(folder, load);
    return new ServedModel(folder, new BatchedClassifier(classifier, batching), load, batching);
  }

  /** The run's folder. */
  get folder(): string {
    return this.#folder;
  }

  get record(): RunRecord {
    return this.#batched.classifier.record;
  }

  get batched(): BatchedClassifier {
    return this.#batched;
  }

  /** Serves another run; what was asked of the one before is still answered by it. */
  async serve(folder: string): Promise<void> {
    const classifier = await loadClassifier(folder, this.#load);
    const before = this.#batched;
    this.#batched = new BatchedClassifier(classifier, this.#batching);
    this.#folder = folder;
    await before.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#batched.close();
  }
}

/** The last part of the run's path: what it is called in answers. */
export function runName({ folder }: ServedModel): string {
  return basename(resolve(folder)) || folder;
}
