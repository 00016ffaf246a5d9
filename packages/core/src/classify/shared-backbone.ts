import type { Backbone } from '../backbone/index.ts';
import { HeadstartError } from '../base/errors.ts';
import { HeadExplainer } from '../head/index.ts';
import { headModel } from '../onnx/index.ts';
import type { RunBackbone, RunImage, RunRecord, TrainedRun } from '../run/index.ts';
import { Classifier } from './classifier.ts';
import { Explainer } from './explain.ts';
import { type LoadClassifierOptions, openRunModel, readImageRun } from './load.ts';

/**
 * The backbone of a run, open once for all the heads on it: to label and explain by a head that was
 * just trained, the head alone is opened, in milliseconds. Close it after what was opened on it.
 *
 * @example
 * ```ts
 * await using backbone = await SharedBackbone.open('runs/fruit');
 * await using classifier = await backbone.classifier(await readTrainedRun('runs/fruit-2'));
 * ```
 */
export class SharedBackbone implements AsyncDisposable {
  /** The backbone itself, which gives features. */
  readonly features: Backbone;
  readonly #backbone: RunBackbone;

  private constructor(features: Backbone, backbone: RunBackbone) {
    this.features = features;
    this.#backbone = backbone;
  }

  /** @throws HeadstartError `RUN_INVALID`, `GPU_REQUIRED` */
  static async open(
    runFolder: string,
    options: LoadClassifierOptions = {},
  ): Promise<SharedBackbone> {
    const run = await readImageRun(runFolder);
    return new SharedBackbone(await openRunModel(run, options, 'features'), run.backbone);
  }

  /** SHA-256 of the backbone's own file, which the run's model has inside. */
  get sha256(): string {
    return this.#backbone.sha256;
  }

  /** Whether a run's head is one on this backbone. */
  fits({ backbone, image }: Pick<RunRecord, 'backbone' | 'image'>): boolean {
    const { height, width } = this.features.info.input;
    return backbone?.sha256 === this.sha256 && image?.height === height && image.width === width;
  }

  /** Labels images by a head that {@link fits}. Closing it leaves the backbone open. */
  async classifier({
    record,
    weights,
  }: Pick<TrainedRun, 'record' | 'weights'>): Promise<Classifier> {
    const { head, classes, calibration } = record;
    const model = headModel(this.#backbone.featureShape, {
      layers: head.layers,
      weights,
      classes,
      temperature: calibration?.temperature,
    });
    const open = await this.features.addHead(model, classes.length);
    return new Classifier(record, this.#image(record), open);
  }

  /**
   * Explains what a head that {@link fits} sees. Closing it leaves the backbone open.
   *
   * @throws HeadstartError `USAGE` where the backbone gives vectors, which have no places
   */
  explainer({ record, weights }: Pick<TrainedRun, 'record' | 'weights'>): Explainer {
    const head = new HeadExplainer(record.head, weights);
    const open = this.features.as(this.features.info);
    return new Explainer(record, this.#image(record), open, head);
  }

  close(): Promise<void> {
    return this.features.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #image(record: RunRecord): RunImage {
    if (record.image && this.fits(record)) return record.image;
    throw new HeadstartError('INTERNAL', 'The head is not one on this backbone.');
  }
}
