import type { BackboneInfo } from '../backbone/index.ts';
import { HeadstartError } from '../base/errors.ts';
import type { OperationOptions } from '../base/operation.ts';
import { withTemperature } from '../evaluate/index.ts';
import { HeadExplainer, type HeatMap } from '../head/index.ts';
import { decodeImage, encodePng, overlayHeat, readPicture } from '../image/index.ts';
import { type RunImage, type RunRecord, readRunWeights } from '../run/index.ts';
import type { ImageModel } from './classifier.ts';
import { type LoadClassifierOptions, openRunModel, readImageRun } from './load.ts';
import { type ImageInput, readInput } from './read-input.ts';

export interface ExplainOptions extends OperationOptions {
  /** The class whose evidence is sought, by name; default: the predicted one. */
  readonly class?: string | undefined;
  /** How much of the hottest place the colour covers, 0..1; default 0.65. */
  readonly alpha?: number | undefined;
  /** Of the overlay's longer side, at most; a picture is never enlarged. Default 800 pixels. */
  readonly longest?: number | undefined;
}

export interface Explanation {
  readonly name: string;
  /** The class that is explained. */
  readonly label: string;
  readonly probability: number;
  /** The most probable class. */
  readonly predicted: { readonly label: string; readonly probability: number };
  /** Over the backbone's input, on the grid of its features. */
  readonly map: HeatMap;
}

/** An explanation drawn on its image. */
export interface Explained extends Explanation {
  /** PNG file: the image with the heat map over it. */
  readonly overlay: Uint8Array;
}

/**
 * A trained run, ready to show where in an image it finds a class. Close it after use.
 *
 * @example
 * ```ts
 * await using explainer = await loadExplainer('runs/fruit');
 * const { label, overlay } = await explainer.explain('photo.jpg');
 * await writeFile(`${label}.png`, overlay);
 * ```
 */
export class Explainer {
  /** Class names, by label. */
  readonly classes: readonly string[];
  readonly record: RunRecord;
  /** Where inference runs. */
  readonly backbone: BackboneInfo;
  readonly #backbone: ImageModel;
  readonly #head: HeadExplainer;
  readonly #image: RunImage;

  /** Use `loadExplainer`. */
  constructor(record: RunRecord, image: RunImage, backbone: ImageModel, head: HeadExplainer) {
    this.classes = record.classes;
    this.record = record;
    this.backbone = backbone.info;
    this.#backbone = backbone;
    this.#head = head;
    this.#image = image;
  }

  /**
   * Where in an image the run sees a class, by Grad-CAM, drawn on the image.
   *
   * @throws HeadstartError `IMAGE_UNREADABLE`; `USAGE` for a class that the run does not have
   */
  async explain(input: ImageInput, options: ExplainOptions = {}): Promise<Explained> {
    const { signal, alpha = 0.65, longest = 800 } = options;
    const label = options.class === undefined ? undefined : this.#labelOf(options.class);
    checkNumber('alpha', alpha, alpha >= 0 && alpha <= 1, 'from 0 to 1');
    checkNumber('longest', longest, longest >= 1, 'of at least 1');
    const name = typeof input === 'string' ? input : input.name;
    const bytes = await readInput(input);
    signal?.throwIfAborted();
    const [pixels, picture] = await Promise.all([
      decodeImage(bytes, this.#image, name),
      readPicture(bytes, Math.round(longest), name),
    ]);
    signal?.throwIfAborted();
    const explanation = this.#explain(name, await this.#backbone.run(pixels, 1), label);
    const drawn = overlayHeat(picture, explanation.map, { input: this.#image, alpha });
    return { ...explanation, overlay: await encodePng(drawn, picture) };
  }

  #explain(name: string, features: Float32Array, chosen: number | undefined): Explanation {
    const { heatMap, ...own } = this.#head.explain(features);
    const { temperature = 1 } = this.record.calibration ?? {};
    const probabilities = withTemperature(own.probabilities, this.classes.length, temperature);
    const best = probabilities.indexOf(Math.max(...probabilities));
    const label = chosen ?? best;
    const ranked = (k: number) => ({
      label: this.classes[k] as string,
      probability: probabilities[k] as number,
    });
    return { name, ...ranked(label), predicted: ranked(best), map: heatMap(label) };
  }

  #labelOf(name: string): number {
    const label = this.classes.indexOf(name);
    if (label >= 0) return label;
    throw new HeadstartError(
      'USAGE',
      `The run has no class "${name}": it has ${this.classes.join(', ')}.`,
    );
  }

  close(): Promise<void> {
    return this.#backbone.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Opens a run folder for explaining what its model sees. The folder holds all that is needed.
 *
 * @throws HeadstartError `RUN_INVALID`, `WEIGHTS_INVALID`, `GPU_REQUIRED`; `USAGE` where the backbone
 *   gives vectors, which have no places
 * @example
 * ```ts
 * await using explainer = await loadExplainer('runs/fruit');
 * const { predicted } = await explainer.explain('photo.jpg');
 * ```
 */
export async function loadExplainer(
  runFolder: string,
  options: LoadClassifierOptions = {},
): Promise<Explainer> {
  const run = await readImageRun(runFolder);
  const head = new HeadExplainer(run.record.head, await readRunWeights(run));
  const backbone = await openRunModel(run, options, 'features');
  return new Explainer(run.record, run.image, backbone, head);
}

function checkNumber(option: string, value: number, fits: boolean, range: string): void {
  if (fits && Number.isFinite(value)) return;
  throw new HeadstartError(
    'USAGE',
    `The option ${option} must be a number ${range}, not ${value}.`,
  );
}
