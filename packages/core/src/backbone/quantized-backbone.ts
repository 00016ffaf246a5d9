import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HeadstartError } from '../base/errors.ts';
import type { LongOperationOptions } from '../base/operation.ts';
import { decodeModel, describeModel, quantizeModel } from '../onnx/index.ts';
import { Backbone } from './backbone.ts';
import { calibrate } from './calibrate.ts';
import { describeFile } from './describe-file.ts';
import { type BackboneFile, shownName } from './file.ts';
import { writeChecked } from './write-checked.ts';

export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

export interface QuantizeOptions extends LongOperationOptions {
  readonly modelsDir: string;
  readonly threads?: number | undefined;
  /** Up to `count` images [height, width, 3], of those that features are wanted of. */
  readonly images: (count: number, size: ImageSize) => Promise<readonly Uint8Array[]>;
}

/** How far features in 8 bits are from those in float32: the norm of the difference, relative. */
export interface FeatureError {
  readonly median: number;
  readonly largest: number;
  readonly images: number;
}

/** Images for the ranges. More change little (see bench/extract). */
const calibrationImages = 32;

/** Where the quantized form of a backbone is kept: one for each file. */
export function quantizedPath(file: BackboneFile, modelsDir: string): string {
  return join(modelsDir, 'int8', `${file.name}-${file.sha256.slice(0, 16)}.onnx`);
}

/**
 * The backbone with convolutions in 8 bits. It is made once, with ranges from some of the images
 * that are there then, and kept: features of one backbone and precision stay comparable. Deleting
 * the file has it made again.
 *
 * @throws HeadstartError `USAGE` where it is to be made and no image can be read,
 *   `BACKBONE_UNSUITABLE`, `OUTPUT_UNWRITABLE`; `signal.reason` where aborted
 */
export async function quantizedBackbone(
  file: BackboneFile,
  options: QuantizeOptions,
): Promise<BackboneFile> {
  const { modelsDir, images, threads, signal, onProgress } = options;
  const path = quantizedPath(file, modelsDir);
  const there = await access(path).then(
    () => true,
    () => false,
  );
  if (there) return describeFile(path, file);
  const model = decodeModel(await readFile(file.path), shownName(file));
  const chosen = await images(calibrationImages, describeModel(model, shownName(file)).input);
  if (chosen.length === 0) {
    throw new HeadstartError(
      'USAGE',
      'The backbone is turned into int8 with some of your images, and none can be read: use fp32.',
    );
  }
  const report = (done: number) =>
    onProgress?.({ stage: 'measuring for int8', done, total: chosen.length, unit: 'images' });
  report(0);
  const ranges = await calibrate(model, shownName(file), chosen, {
    threads,
    signal,
    onImage: report,
  });
  const quantized = quantizeModel(model, ranges, {
    quantized_from: file.sha256,
    calibration_images: String(chosen.length),
  });
  await writeChecked(path, quantized, signal);
  return describeFile(path, file);
}

/** Compares features of two forms of a backbone, image by image. */
export async function featureError(
  exact: BackboneFile,
  quantized: Pick<Backbone, 'run'>,
  images: readonly Uint8Array[],
  { threads, signal }: Pick<QuantizeOptions, 'threads' | 'signal'> = {},
): Promise<FeatureError> {
  await using reference = await Backbone.open(exact, { device: 'cpu', threads, signal });
  const errors: number[] = [];
  for (const image of images) {
    signal?.throwIfAborted();
    const [expected, found] = [await reference.run(image, 1), await quantized.run(image, 1)];
    let [difference, norm] = [0, 0];
    for (let i = 0; i < expected.length; i++) {
      const value = expected[i] as number;
      difference += ((found[i] as number) - value) ** 2;
      norm += value ** 2;
    }
    errors.push(Math.sqrt(difference / Math.max(norm, Number.MIN_VALUE)));
  }
  errors.sort((a, b) => a - b);
  const median = errors[Math.floor(errors.length / 2)] ?? 0;
  return { median, largest: errors.at(-1) ?? 0, images: errors.length };
}
