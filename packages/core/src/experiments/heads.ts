import type { OperationOptions, ProgressListener } from '../base/operation.ts';
import { type FeatureSet, pooledSet } from '../features/index.ts';
import {
  defaultHead,
  FeatureStores,
  type HeadSpec,
  type HeadVariation,
  poolsFirst,
  resolveHead,
  type TrainedHead,
  type TrainHeadsOptions,
  trainHeads,
  viewsOfVariations,
} from '../head/index.ts';

/** Images that an experiment trains on and is measured on. */
export interface ExperimentImages {
  /** Row v of a sample is its view v; row 0 is its plain image. */
  readonly set: FeatureSet;
  readonly classes: readonly string[];
}

/** How the heads of an experiment are trained: as `train` would. */
export type ExperimentTraining = Omit<
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

export interface ExperimentHeadsOptions extends ExperimentTraining {
  readonly images: ExperimentImages;
  /** Indices of samples are those of `images`, also for validation and test. */
  readonly heads: readonly HeadVariation[];
  /** What progress is called. */
  readonly stage: string;
  readonly onProgress?: ProgressListener | undefined;
}

/** Weights, two moments, gradients and the best weights so far: bytes per parameter. */
const bytesPerParameter = 20;
const mostBytesAtOnce = 2 ** 30;
const mostHeadsAtOnce = 512;

/**
 * Trains heads on parts of one set of images, hundreds at once. Training draws views as `train`
 * does; validation and test see plain images.
 *
 * @returns one head for each of `heads`, in their order
 */
export async function trainExperimentHeads(
  options: ExperimentHeadsOptions,
): Promise<TrainedHead[]> {
  const { heads, signal, stage, onProgress } = options;
  const images = await imagesFor(
    options.head ?? defaultHead(options.images.set.shape),
    options.images,
    { signal },
  );
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
  { set, classes }: ExperimentImages,
  { head = defaultHead(set.shape), dropout }: Pick<ExperimentTraining, 'head' | 'dropout'>,
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
  options: ExperimentTraining,
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

/** The images as a head sees them: pooled once, where it would pool them in each step. */
async function imagesFor(
  head: HeadSpec,
  images: ExperimentImages,
  options: OperationOptions,
): Promise<ExperimentImages> {
  if (!poolsFirst(head)) return images;
  return { ...images, set: await pooledSet(images.set, options) };
}
