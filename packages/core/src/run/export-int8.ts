import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Backbone, describeFile, quantizeHeadModel } from '../backbone/index.ts';
import { HeadstartError } from '../base/errors.ts';
import type { LongOperationOptions } from '../base/operation.ts';
import { isFolderOrTable, listImages } from '../dataset/index.ts';
import { decodeImage } from '../image/index.ts';
import type { Run } from './read.ts';
import { runFiles } from './record.ts';
import { optionsOfRun } from './recorded-options.ts';

/** How a model in int8 agrees with the one it was made of. */
export interface Agreement {
  readonly images: number;
  /** Images that get the same label. */
  readonly sameLabels: number;
  /** Between two probabilities of the same class and image. */
  readonly largestDifference: number;
}

/** Images for the ranges. More change little (see bench/extract). */
const calibrationImages = 32;

interface Options extends LongOperationOptions {
  readonly run: string;
  /** A folder of images to measure ranges on; default: the run's training data. */
  readonly images?: string | undefined;
  readonly threads?: number | undefined;
}

/**
 * Some images as the run's model takes them, spread evenly over a folder.
 *
 * @throws HeadstartError `USAGE` where there are none
 */
export async function sampleImages(
  { record }: Run,
  { run, images: folder = record.data.root, signal }: Options,
): Promise<Uint8Array[]> {
  const { image } = record;
  if (!image) {
    throw new HeadstartError('USAGE', `The run ${run} records no image size: int8 cannot be made.`);
  }
  const given = { ...optionsOfRun(record), signal };
  const paths = (await isFolderOrTable(folder)) ? (await listImages(folder, given)).sort() : [];
  const pixels: Uint8Array[] = [];
  const step = Math.max(1, paths.length / calibrationImages);
  for (let at = 0; at < paths.length && pixels.length < calibrationImages; at += step) {
    signal?.throwIfAborted();
    const path = paths[Math.floor(at)] as string;
    // One that cannot be read is left out.
    const bytes = await readFile(path).catch(() => undefined);
    const decoded = bytes && (await decodeImage(bytes, image, path).catch(() => undefined));
    if (decoded) pixels.push(decoded);
  }
  if (pixels.length > 0) return pixels;
  throw new HeadstartError(
    'USAGE',
    `int8 is made with some images, and there are none in ${folder}: name a folder of images with \`images\`, or a table.`,
    { option: 'images' },
  );
}

/** The run's model with its backbone in 8 bits. */
export function inInt8(
  { record }: Run,
  bytes: Uint8Array,
  images: readonly Uint8Array[],
  { run, threads, signal, onProgress }: Options,
): Promise<Uint8Array> {
  const report = (done: number) =>
    onProgress?.({ stage: 'measuring for int8', done, total: images.length, unit: 'images' });
  report(0);
  const featureShape = record.backbone?.featureShape ?? [];
  return quantizeHeadModel(bytes, run, { featureShape, images, threads, signal, onImage: report });
}

/** Undefined for a run without a model to compare with. */
export async function agreementOf(
  { folder, record }: Run,
  file: string,
  images: readonly Uint8Array[],
  { threads, signal }: Options,
): Promise<Agreement | undefined> {
  if (!record.files[runFiles.model]) return undefined;
  const open = async (path: string) =>
    Backbone.open(await describeFile(path), { device: 'cpu', threads, signal });
  await using exact = await open(join(folder, runFiles.model));
  await using rounded = await open(file);
  let [same, largest] = [0, 0];
  for (const image of images) {
    signal?.throwIfAborted();
    const [expected, found] = [await exact.run(image, 1), await rounded.run(image, 1)];
    if (bestOf(expected) === bestOf(found)) same++;
    for (const [k, value] of expected.entries()) {
      largest = Math.max(largest, Math.abs((found[k] as number) - value));
    }
  }
  return { images: images.length, sameLabels: same, largestDifference: largest };
}

function bestOf(probabilities: Float32Array): number {
  return probabilities.indexOf(Math.max(...probabilities));
}
