import { access } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { HeadstartError } from '../base/errors.ts';
import {
  type AddedImage,
  addImage,
  type Correction,
  type CorrectionAction,
  hashFiles,
  imagesRoot,
  isFolderOrTable,
  readCorrections,
  writeCorrections,
} from '../dataset/index.ts';
import { decodeImage, imageFormat } from '../image/index.ts';
import {
  optionsOfRun,
  type Run,
  type RunPrediction,
  readRun,
  readRunPredictions,
  runFiles,
  type TrainedRun,
} from '../run/index.ts';

/** A validation image that the run got wrong, and the correction of it. */
export interface ReviewedMistake extends RunPrediction {
  /** Its place in the run's predictions: what names it here. */
  readonly index: number;
  readonly correction: Pick<Correction, 'action' | 'label'> | undefined;
}

export interface Page<T> {
  readonly total: number;
  readonly items: readonly T[];
}

/**
 * The mistakes of a run, and what is corrected of them. Images are named by their place in the
 * run's predictions; no path comes from outside.
 *
 * @example
 * ```ts
 * const review = await Review.open('runs/fruit');
 * const { items } = await review.mistakes(0, 20);
 * for (const { index } of items) await review.correct(index, 'remove');
 * ```
 */
export class Review {
  readonly run: Run;
  /** The images' folder or table; undefined where it is not there any more. */
  readonly data: string | undefined;
  /** What the predictions' files are relative to. */
  readonly #images: string;
  readonly #predictions: readonly RunPrediction[];
  /** Indices of the mistakes, the one that the model is surest of first. */
  readonly #mistakes: readonly number[];
  #lastCorrection: Promise<unknown> = Promise.resolve();

  private constructor(run: Run, data: string | undefined, predictions: readonly RunPrediction[]) {
    this.run = run;
    this.data = data;
    this.#images = imagesRoot(data ?? '', optionsOfRun(run.record));
    this.#predictions = predictions;
    this.#mistakes = predictions
      .map((_, i) => i)
      .filter((i) => predictions[i]?.label !== predictions[i]?.predicted)
      .sort((a, b) => (predictions[b]?.probability ?? 0) - (predictions[a]?.probability ?? 0));
  }

  /**
   * @param data the images' folder or table; default: where the run found them
   * @throws HeadstartError `RUN_INVALID`; `DATA_LAYOUT` where `data` is not a folder
   */
  static async open(folder: string, data?: string): Promise<Review> {
    const run = await readRun(folder);
    return Review.of({ ...run, predictions: await readRunPredictions(run) }, data);
  }

  /** As {@link open}, of a run that was read already, or is about to be written. */
  static async of(
    { predictions, ...run }: Run & Pick<TrainedRun, 'predictions'>,
    data?: string,
  ): Promise<Review> {
    const root = resolve(data ?? run.record.data.root);
    const isThere = await isFolderOrTable(root);
    if (data !== undefined && !isThere) {
      throw new HeadstartError('DATA_LAYOUT', `There is no folder or table ${data}.`);
    }
    return new Review(run, isThere ? root : undefined, predictions);
  }

  /** Mistakes, the one that the model is surest of first. */
  async mistakes(offset: number, limit: number): Promise<Page<ReviewedMistake>> {
    const indices = this.#mistakes.slice(offset, offset + limit);
    const corrections = await this.#corrections();
    const hashes = await hashFiles(
      indices.map((index) => this.#pathOf(index) ?? ''),
      {},
    );
    const items = indices.map((index, i) => {
      const found = hashes[i];
      const hash = found && 'hash' in found ? found.hash : '';
      const { action, label } = corrections.get(hash) ?? {};
      const correction = action === undefined ? undefined : { action, label: label ?? '' };
      return { index, ...(this.#predictions[index] as RunPrediction), correction };
    });
    return { total: this.#mistakes.length, items };
  }

  /** How many images have a correction. */
  async correctionCount(): Promise<number> {
    return (await this.#corrections()).size;
  }

  /**
   * The file of an image.
   *
   * @throws HeadstartError `USAGE` for a number that is none, or where the images are not there
   */
  path(index: number): string {
    const path = this.#pathOf(index);
    if (path !== undefined) return path;
    const why = this.#predictions[index]
      ? 'The images of the run are not where they were'
      : `The run has no image ${index}`;
    throw new HeadstartError('USAGE', `${why}.`);
  }

  /**
   * Writes down what is right for an image, in the run's corrections file.
   *
   * @param label the class, for `relabel`
   * @throws HeadstartError `USAGE` for an unknown class or image, `OUTPUT_UNWRITABLE`
   */
  async correct(index: number, action: CorrectionAction, label = ''): Promise<Correction> {
    const path = this.path(index);
    if (action === 'relabel' && !this.run.record.classes.includes(label)) {
      throw new HeadstartError('USAGE', `The run has no class "${label}".`);
    }
    const [found] = await hashFiles([path], {});
    if (!found || 'reason' in found) {
      throw new HeadstartError('USAGE', `The image ${path} is not there any more.`);
    }
    const file = (this.#predictions[index] as RunPrediction).file;
    const correction = { hash: found.hash, file, action, label: action === 'relabel' ? label : '' };
    await this.#write(correction);
    return correction;
  }

  /**
   * Adds an image to a class of the data.
   *
   * @throws HeadstartError `IMAGE_UNREADABLE`, `DATA_LAYOUT`, `OUTPUT_UNWRITABLE`
   */
  async add(
    label: string,
    { name, bytes, maxPixels }: { name: string; bytes: Uint8Array; maxPixels?: number | undefined },
  ): Promise<AddedImage> {
    if (this.data === undefined) {
      throw new HeadstartError('USAGE', 'The images of the run are not where they were.');
    }
    if (!this.run.record.classes.includes(label)) {
      throw new HeadstartError('USAGE', `The run has no class "${label}".`);
    }
    await decodeImage(bytes, { height: 32, width: 32, maxPixels }, name);
    const format = imageFormat(bytes) ?? 'jpeg';
    return addImage(this.data, label, { bytes, extension: format === 'jpeg' ? 'jpg' : format });
  }

  /** One after another: what one has read before it writes must not undo another's word. */
  #write(correction: Correction): Promise<void> {
    const written = this.#lastCorrection.then(async () => {
      const before = await this.#corrections();
      await writeCorrections(this.#file, [...before.values(), correction]);
    });
    this.#lastCorrection = written.catch(() => {});
    return written;
  }

  #pathOf(index: number): string | undefined {
    const file = this.#predictions[index]?.file;
    if (this.data === undefined || file === undefined) return undefined;
    const path = resolve(this.#images, file);
    // The root of a disk ends with the separator.
    const inside = this.#images.endsWith(sep) ? this.#images : this.#images + sep;
    return path.startsWith(inside) ? path : undefined;
  }

  get #file(): string {
    return join(this.run.folder, runFiles.corrections);
  }

  /** Those of the run's folder, or else those that it was trained with. */
  async #corrections(): Promise<ReadonlyMap<string, Correction>> {
    const { corrections } = optionsOfRun(this.run.record);
    for (const path of [this.#file, corrections]) {
      if (path !== undefined && (await isThere(path))) {
        return (await readCorrections(path)).byHash;
      }
    }
    return new Map();
  }
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
