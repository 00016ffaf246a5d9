import {
  type Explainer,
  isHeadOn,
  Retrainer,
  Review,
  type TrainedRun,
  type TrainOptions,
} from '@headstart/core';
import { ApiError } from './api-error.ts';
import type { ServedModel } from './served-model.ts';
import { Training } from './training.ts';

export interface WorkbenchOptions {
  readonly model: ServedModel;
  /** The images' folder; default: where the run found them. */
  readonly data?: string | undefined;
  /** How the run was trained; undefined where it cannot be trained again. */
  readonly retrain: TrainOptions | undefined;
  /** Whether the page may look at the run's images, correct labels and train. */
  readonly edits: boolean;
}

/** Heat maps that are being made or wait. */
const explanationsAtOnce = 8;

/** What the page does with the run beside labelling: heat maps, its mistakes, training again. */
export class Workbench implements AsyncDisposable {
  readonly edits: boolean;
  readonly #options: WorkbenchOptions;
  readonly #training: Training | undefined;
  #review: Review;
  #explaining = 0;
  #lastExplanation: Promise<unknown> = Promise.resolve();

  private constructor(options: WorkbenchOptions, review: Review) {
    this.#options = options;
    this.#review = review;
    this.edits = options.edits;
    const { retrain } = options;
    if (!options.edits || retrain === undefined) return;
    const { model } = options;
    this.#training = new Training(new Retrainer(retrain, model.backbone), {
      get folder() {
        return model.folder;
      },
      fits: ({ record }) => isHeadOn(model.backbone, record),
      serve: (run) => this.#serve(run),
    });
  }

  /** @throws HeadstartError `RUN_INVALID`; `DATA_LAYOUT` where `data` is not a folder */
  static async open(options: WorkbenchOptions): Promise<Workbench> {
    return new Workbench(options, await Review.of(options.model.run, options.data));
  }

  /** @throws ApiError 403 where looking and changing is not allowed */
  get review(): Review {
    if (this.edits) return this.#review;
    throw editsOff();
  }

  /** Why the run cannot be trained again; undefined where it can. */
  get whyNoTraining(): string | undefined {
    if (!this.edits) return 'This server only labels images.';
    if (!this.#options.retrain) {
      return 'The run was trained on feature files: there are no images to train on again.';
    }
    if (this.#review.data !== undefined) return undefined;
    const { root } = this.#options.model.record.data;
    return `The images of the run are no longer in ${root}: name their folder with --data.`;
  }

  /** @throws ApiError 403, or 409 where the run cannot be trained again */
  get training(): Training {
    if (!this.edits) throw editsOff();
    const why = this.whyNoTraining;
    if (this.#training && why === undefined) return this.#training;
    throw new ApiError(409, 'NO_TRAINING', why ?? 'The run cannot be trained again.');
  }

  /** Works with the explainer, one caller at a time: labelling goes on beside it. */
  async explain<T>(work: (explainer: Explainer) => Promise<T>): Promise<T> {
    if (this.#explaining >= explanationsAtOnce) {
      throw new ApiError(503, 'BUSY', 'Too many heat maps at once: try again later.');
    }
    this.#explaining++;
    const result = this.#lastExplanation.then(() => work(this.#options.model.explainer));
    this.#lastExplanation = result.catch(() => {});
    try {
      return await result;
    } finally {
      this.#explaining--;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#training?.close();
    await this.#lastExplanation;
  }

  /** Takes a new run into use, the one before stays on disk. */
  async #serve(run: TrainedRun): Promise<void> {
    const review = await Review.of(run, this.#options.data);
    await this.#options.model.serve(run);
    this.#review = review;
  }
}

function editsOff(): ApiError {
  return new ApiError(
    403,
    'EDITS_OFF',
    'This server only labels images: start it with --allow-edits to review and train over the network.',
  );
}
