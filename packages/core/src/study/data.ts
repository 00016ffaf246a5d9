import {
  type FeatureRows,
  type FeatureSet,
  fromFloat16,
  memoryFeatureSet,
} from '../features/index.ts';
import {
  FeatureStores,
  type HeadSpec,
  type HeadVariation,
  headPreset,
  resolveHead,
  type TrainedHead,
  type TrainHeadsOptions,
  trainHeads,
  viewsOfVariations,
} from '../head/index.ts';
import type { OperationOptions, ProgressListener } from '../operation.ts';

/** Images that a study trains on and is measured on. */
export interface StudyImages {
  /** Row v of a sample is its view v; row 0 is its plain image. */
  readonly set: FeatureSet;
  readonly classes: readonly string[];
}

/** How the heads of a study are trained: as `train` would. */
export type StudyTraining = Omit<
  TrainHeadsOptions,
  | 'train'
  | 'validation'
  | 'classes'
  | 'heads'
  | 'checkpoint'
  | 'onProgress'
  | 'onEpoch'
  | 'goOn'
  | 'stores'
>;

export interface StudyHeadsOptions extends StudyTraining {
  readonly images: StudyImages;
  /** Indices of samples are those of `images`, also for validation and test. */
  readonly heads: readonly HeadVariation[];
  /** What progress is called. */
  readonly stage: string;
  readonly onProgress?: ProgressListener | undefined;
}

/** Weights, two moments, gradients and the best weights so far: bytes a parameter. */
const bytesPerParameter = 20;
const mostBytesAtOnce = 2 ** 30;
const mostHeadsAtOnce = 512;

/**
 * Trains heads on parts of one set of images, hundreds at once. Training draws views as `train`
 * does; validation and test see plain images.
 *
 * @returns one head for each of `heads`, in their order
 */
export async function trainStudyHeads(options: StudyHeadsOptions): Promise<TrainedHead[]> {
  const { heads, signal, stage, onProgress } = options;
  const images = await imagesFor(options.head ?? headPreset('conv'), options.images, { signal });
  const plain = plainSet(images.set);
  const atOnce = headsAtOnce(images, options);
  using stores = new FeatureStores();
  const trained: TrainedHead[] = [];
  for (let first = 0; first < heads.length; first += atOnce) {
    const batch = heads.slice(first, first + atOnce);
    const share = batch.length / heads.length;
    const { images: _, ...training } = options;
    const done = await trainHeads({
      ...training,
      heads: batch,
      train: viewedSet(images.set, options, batch),
      validation: plain,
      classes: images.classes,
      stores,
      onProgress: ({ done: epochs, total = 1 }) =>
        onProgress?.({
          stage,
          done: Math.floor(first + (epochs / total) * share * heads.length),
          total: heads.length,
          unit: 'heads',
        }),
    });
    trained.push(...done);
  }
  onProgress?.({ stage, done: heads.length, total: heads.length, unit: 'heads' });
  return trained;
}

/** How many heads of these options may be in memory together. */
export function headsAtOnce(
  { set, classes }: StudyImages,
  { head = headPreset('conv'), dropout }: Pick<StudyTraining, 'head' | 'dropout'>,
): number {
  const { parameterCount } = resolveHead(head, {
    featureShape: set.shape,
    classes: classes.length,
    dropout,
  });
  const fit = Math.floor(mostBytesAtOnce / (bytesPerParameter * parameterCount));
  return Math.max(1, Math.min(mostHeadsAtOnce, fit));
}

/** Only the first row of each sample: its plain image. */
export function plainSet(set: FeatureSet): FeatureSet {
  const samples = set.samples.map((sample) => ({ ...sample, rows: sample.rows.slice(0, 1) }));
  return { ...set, samples };
}

/** The rows that these heads draw as views. */
export function viewedSet(
  set: FeatureSet,
  options: StudyTraining,
  heads: readonly HeadVariation[],
): FeatureSet {
  if ((options.views ?? 'none') === 'none') return plainSet(set);
  const views = viewsOfVariations(options, heads, set.samples.length);
  const samples = set.samples.map((sample, i) => ({
    ...sample,
    rows: (views[i] as number[]).map((view) => sample.rows[view] as number),
  }));
  return { ...set, samples };
}

/** A head that begins with global average pooling sees the pooled features and nothing else. */
export function poolsFirst({ layers }: HeadSpec): boolean {
  return layers[0]?.type === 'global_average_pool2d';
}

/** The images as a head sees them: pooled once, where it would pool them in each step. */
async function imagesFor(
  head: HeadSpec,
  images: StudyImages,
  options: OperationOptions,
): Promise<StudyImages> {
  if (!poolsFirst(head)) return images;
  return { ...images, set: await pooledSet(images.set, options) };
}

const pooledSets = new WeakMap<FeatureSet, Promise<FeatureSet>>();

/**
 * The means over height and width of each row, in float32: maps of one pixel, so that the head keeps
 * all of its layers, and with them its random numbers. Vectors stay as they are. A set is pooled once,
 * however often it is asked for.
 */
export async function pooledSet(set: FeatureSet, options: OperationOptions): Promise<FeatureSet> {
  if (set.shape.length === 1) return set;
  const known = pooledSets.get(set);
  // Who asked first may have given up.
  if (known) return known.catch(() => pool(set, options));
  const pooling = pool(set, options);
  pooledSets.set(set, pooling);
  pooling.catch(() => pooledSets.delete(set));
  return pooling;
}

async function pool(set: FeatureSet, options: OperationOptions): Promise<FeatureSet> {
  const channels = set.shape.at(-1) as number;
  const pixels = set.shape.slice(0, -1).reduce((a, b) => a * b, 1);
  const rows = new Float32Array(set.rowCount * channels);
  let row = 0;
  for await (const chunk of set.chunks(options)) {
    for (let at = 0; at < chunk.length; at += pixels * channels, row++) {
      const sums = rows.subarray(row * channels, (row + 1) * channels);
      if (chunk instanceof Float32Array) addPixels(chunk, at, pixels, sums);
      else addHalfPixels(chunk, at, pixels, sums);
    }
  }
  const { samples, classes } = set;
  return memoryFeatureSet({ shape: [1, 1, channels], samples, classes, rows });
}

/** Rounds as the native layer does, pixel after pixel in float32: heads learn the same bits. */
function addPixels(values: Float32Array, at: number, pixels: number, sums: Float32Array): void {
  const channels = sums.length;
  for (let p = 0; p < pixels; p++) {
    const begin = at + p * channels;
    for (let c = 0; c < channels; c++) {
      sums[c] = (sums[c] as number) + (values[begin + c] as number);
    }
  }
  for (let c = 0; c < channels; c++) sums[c] = (sums[c] as number) / pixels;
}

/** The same from the bits of float16. */
function addHalfPixels(bits: Uint16Array, at: number, pixels: number, sums: Float32Array): void {
  const table = float16Table();
  const channels = sums.length;
  for (let p = 0; p < pixels; p++) {
    const begin = at + p * channels;
    for (let c = 0; c < channels; c++) {
      sums[c] = (sums[c] as number) + (table[bits[begin + c] as number] as number);
    }
  }
  for (let c = 0; c < channels; c++) sums[c] = (sums[c] as number) / pixels;
}

let float16Values: Float32Array | undefined;

/** The value of each of the numbers that float16 has, by its bits. */
function float16Table(): Float32Array {
  if (float16Values) return float16Values;
  const bits = new Uint16Array(65_536);
  for (let i = 0; i < bits.length; i++) bits[i] = i;
  float16Values = fromFloat16(bits);
  return float16Values;
}

/** Rows as float32; from the bits of float16 by a table of all of them. */
export function inFloat32(bits: FeatureRows): Float32Array {
  if (bits instanceof Float32Array) return bits;
  const table = float16Table();
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = table[bits[i] as number] as number;
  return values;
}
