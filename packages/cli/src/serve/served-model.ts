import { basename, resolve } from 'node:path';
import {
  type Backbone,
  BatchedClassifier,
  type BatchedClassifierOptions,
  type Classifier,
  classifierOn,
  type Explainer,
  explainerOn,
  isHeadOn,
  type LoadClassifierOptions,
  openRunBackbone,
  type RunRecord,
  readTrainedRun,
  type TrainedRun,
} from '@headstart/core';

/** A head in use, on the backbone that it was opened on. */
interface Served {
  readonly run: TrainedRun;
  readonly backbone: Backbone;
  readonly batched: BatchedClassifier;
  /** Made when it is first needed. */
  explainer?: Explainer;
}

/**
 * The run that is being served; another can take its place while requests go on. The backbone stays
 * open, so that the next head on it is served at once.
 */
export class ServedModel implements AsyncDisposable {
  readonly #load: LoadClassifierOptions;
  readonly #batching: BatchedClassifierOptions;
  #served: Served;

  private constructor(
    served: Served,
    load: LoadClassifierOptions,
    batching: BatchedClassifierOptions,
  ) {
    this.#served = served;
    this.#load = load;
    this.#batching = batching;
  }

  /** @throws HeadstartError `RUN_INVALID`, `WEIGHTS_INVALID`, `GPU_REQUIRED` */
  static async open(
    folder: string,
    load: LoadClassifierOptions,
    batching: BatchedClassifierOptions,
  ): Promise<ServedModel> {
    const backbone = await openRunBackbone(folder, load);
    try {
      const served = await openHead(await readTrainedRun(folder), backbone, batching);
      return new ServedModel(served, load, batching);
    } catch (error) {
      await backbone.close();
      throw error;
    }
  }

  /** The run's folder. */
  get folder(): string {
    return this.#served.run.folder;
  }

  get run(): TrainedRun {
    return this.#served.run;
  }

  get record(): RunRecord {
    return this.#served.run.record;
  }

  get backbone(): Backbone {
    return this.#served.backbone;
  }

  get batched(): BatchedClassifier {
    return this.#served.batched;
  }

  get classifier(): Classifier {
    return this.batched.classifier;
  }

  /** @throws HeadstartError `USAGE` where the backbone gives vectors, which have no places */
  get explainer(): Explainer {
    const { backbone, run } = this.#served;
    this.#served.explainer ??= explainerOn(backbone, run);
    return this.#served.explainer;
  }

  /**
   * Serves another run; requests to the one before are still answered by it.
   *
   * @param run whose folder is complete, or whose head is on the backbone that is open
   */
  async serve(run: TrainedRun): Promise<void> {
    const before = this.#served;
    const shared = isHeadOn(before.backbone, run.record);
    const backbone = shared ? before.backbone : await openRunBackbone(run.folder, this.#load);
    this.#served = await openHead(run, backbone, this.#batching);
    await before.batched.close();
    if (!shared) await before.backbone.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { batched, backbone } = this.#served;
    await batched.close();
    await backbone.close();
  }
}

async function openHead(
  run: TrainedRun,
  backbone: Backbone,
  batching: BatchedClassifierOptions,
): Promise<Served> {
  const classifier = await classifierOn(backbone, run);
  return { run, backbone, batched: new BatchedClassifier(classifier, batching) };
}

/** The last part of the run's path: what it is called in answers. */
export function runName({ folder }: Pick<TrainedRun, 'folder'>): string {
  return basename(resolve(folder)) || folder;
}
