import { HeadstartError } from '../base/errors.ts';
import type {
  AppliedCorrections,
  Dataset,
  DatasetSplit,
  Sample,
  SkippedFile,
} from '../dataset/index.ts';
import {
  announceUnlearnt,
  type Extractor,
  type FeatureSet,
  featureFileDigest,
  inGroups,
  type openExtractor,
  readFeatureFile,
  viewRequest,
} from '../features/index.ts';
import {
  type EpochFeatures,
  planViews,
  type TrainingOptions,
  trainingSchedule,
} from '../head/index.ts';
import { type FeatureMaker, findFeatureMaker } from './feature-maker.ts';
import {
  type ImageOrigin,
  type ImageReader,
  type OpenImagesOptions,
  openImages,
} from './open-images.ts';

export interface TrainingDataOptions extends OpenImagesOptions, TrainingOptions {
  /** Feature files of training and validation, in place of a folder. */
  readonly features?: string | undefined;
  readonly validationFeatures?: string | undefined;
}

export interface FeatureCounts {
  computed: number;
  reused: number;
}

/** What a head is trained on, wherever it came from. */
export interface TrainingData extends ImageOrigin {
  readonly classes: readonly string[];
  readonly train: FeatureSet | EpochFeatures;
  readonly validation: FeatureSet;
  /** Features computed and found in the cache; grows while `train` makes them epoch by epoch. */
  readonly counts: FeatureCounts;
  readonly seconds: number;
  readonly skipped: readonly SkippedFile[];
  readonly warnings: readonly string[];
  readonly corrections: AppliedCorrections | undefined;
  /** How the folder was split, where it was. */
  readonly split: DatasetSplit | undefined;
  /** Images that were kept for testing. */
  readonly testSamples: number;
  readonly validationFrom: Dataset['validationFrom'] | 'features';
  /** Which features these are: runs on different ones are not resumed from one another. */
  readonly featuresId: string;
  /** What made the features, where its file is here. */
  readonly maker: FeatureMaker | undefined;
  /** The training images that could be read; none where features came from files. */
  readonly images: readonly Sample[];
}

type ReadData = Omit<TrainingData, keyof ImageOrigin>;

/** @throws HeadstartError `FEATURE_FILE_INVALID` and all of {@link openImages} */
export function openTrainingData(
  options: TrainingDataOptions,
  open?: typeof openExtractor,
): Promise<TrainingData> {
  const reader: ImageReader<ReadData, [string, string]> = {
    files: [options.features, options.validationFeatures],
    fromFolder: (extractor, dataset) => fromFolder(extractor, dataset, options),
    fromFiles: (train, validation) => fromFiles(train, validation, options),
  };
  return openImages(options, reader, open);
}

/** The same data, for a training that does not close it. */
export function lent(data: TrainingData): TrainingData {
  return { ...data, [Symbol.asyncDispose]: async () => {} };
}

async function fromFolder(
  extractor: Extractor,
  dataset: Dataset,
  options: TrainingDataOptions,
): Promise<ReadData> {
  const { onNotice, augment = null } = options;
  const { backbone } = extractor;
  const { resize, fit } = extractor.images;
  const { classes } = dataset;
  const started = performance.now();
  const validation = await extractor.extract(
    dataset.validation,
    () => [undefined],
    'features (validation)',
  );
  const train = await extractTraining(extractor, dataset, options);
  const unlearnt = announceUnlearnt({ set: train.set, classes }, onNotice);
  const { counts } = train;
  counts.computed += validation.computed;
  counts.reused += validation.reused;
  return {
    classes,
    train: train.set,
    validation: validation.set,
    counts,
    seconds: (performance.now() - started) / 1000,
    skipped: [...dataset.skipped, ...train.skipped, ...validation.skipped],
    warnings: [...dataset.warnings, ...unlearnt],
    corrections: dataset.corrections,
    split: dataset.split,
    testSamples: dataset.validationFrom === 'test' ? 0 : dataset.test.length,
    validationFrom: dataset.validationFrom,
    featuresId: `${backbone.sha256} ${backbone.provider} ${backbone.engine}${backbone.tf32 ? ' tf32' : ''} ${resize} ${fit} ${JSON.stringify(augment)}`,
    maker: { backbone, resize, fit },
    images: train.images,
  };
}

interface TrainingFeatures {
  readonly set: FeatureSet | EpochFeatures;
  readonly images: readonly Sample[];
  readonly counts: FeatureCounts;
  readonly skipped: readonly SkippedFile[];
}

/**
 * Extracts the views that the schedule will ask for. The schedule depends on how many images there
 * are, so where some turn out to be unreadable it is drawn again for the rest; what has been
 * computed comes from the cache then.
 */
async function extractTraining(
  extractor: Extractor,
  dataset: Dataset,
  options: TrainingDataOptions,
): Promise<TrainingFeatures> {
  const { augment, seed = 0 } = options;
  if (options.views === 'exact') return extractByEpoch(extractor, dataset, options);
  const skipped: SkippedFile[] = [];
  let samples: readonly Sample[] = dataset.train;
  let computed = 0;
  for (;;) {
    const plan = planViews(trainingSchedule(options, samples.length));
    const viewsOf = (sample: Sample, index: number) =>
      (plan[index] as number[]).map((view) => viewRequest(sample, view, augment, seed));
    const extraction = await extractor.extract(samples, viewsOf, 'features (training)');
    skipped.push(...extraction.skipped);
    computed += extraction.computed;
    if (extraction.skipped.length === 0) {
      // Of what was computed, some may be views that the schedule of the rest does not ask for.
      const reused = Math.max(0, extraction.reused + extraction.computed - computed);
      return { set: extraction.set, images: samples, counts: { computed, reused }, skipped };
    }
    const bad = new Set(extraction.skipped.map(({ path }) => path));
    samples = samples.filter(({ path }) => !bad.has(path));
    if (samples.length === 0) {
      throw new HeadstartError(
        'DATA_LAYOUT',
        `None of the training images of ${dataset.root} could be read, the first because: ${skipped[0]?.reason}.`,
      );
    }
  }
}

/**
 * Views that are new each time are computed epoch by epoch, while training goes on. Images that
 * cannot be read are found beforehand, by reading them all.
 */
async function extractByEpoch(
  extractor: Extractor,
  dataset: Dataset,
  { augment, seed = 0 }: TrainingDataOptions,
): Promise<TrainingFeatures> {
  const skipped = await extractor.findUnreadable(dataset.train);
  const bad = new Set(skipped.map(({ path }) => path));
  const samples = dataset.train.filter(({ path }) => !bad.has(path));
  const counts = { computed: 0, reused: 0 };
  const set: EpochFeatures = {
    shape: extractor.backbone.featureShape,
    dtype: extractor.dtype,
    samples: samples.map((sample) => ({ ...sample, rows: [] })),
    forViews: async (views) => {
      const viewsOf = (sample: Sample, i: number) =>
        (views[i] as number[]).map((view) => viewRequest(sample, view, augment, seed));
      const extraction = await extractor.extract(samples, viewsOf, 'features');
      const lost = extraction.skipped[0];
      if (lost) {
        throw new HeadstartError(
          'TRAINING_FAILED',
          `${lost.path} was readable before training, but now ${lost.reason}: repeat the command.`,
        );
      }
      counts.computed += extraction.computed;
      counts.reused += extraction.reused;
      return extraction.set;
    },
  };
  return { set, images: samples, skipped, counts };
}

async function fromFiles(
  train: string,
  validation: string,
  options: TrainingDataOptions,
): Promise<ReadData> {
  const { groupBy, onNotice } = options;
  const [first, second] = [await readFeatureFile(train), await readFeatureFile(validation)];
  if (first.classes.join('\n') !== second.classes.join('\n')) {
    throw new HeadstartError(
      'FEATURE_FILE_INVALID',
      `${train} and ${validation} are of different classes: ${first.classes.join(', ')} and ${second.classes.join(', ')}.`,
    );
  }
  for (const key of ['backbone', 'resize', 'fit'] as const) {
    const [one, other] = [first[key], second[key]];
    if (one === undefined || other === undefined || one === other) continue;
    throw new HeadstartError(
      'FEATURE_FILE_INVALID',
      `${train} and ${validation} were made in different ways (${key}: ${one} and ${other}): make both with the same options.`,
    );
  }
  const maker = await findFeatureMaker(train, first, options);
  const digests = [await featureFileDigest(train), await featureFileDigest(validation)];
  return {
    classes: first.classes,
    train: inGroups(first.set, groupBy),
    validation: inGroups(second.set, groupBy),
    counts: { computed: 0, reused: first.set.rowCount + second.set.rowCount },
    seconds: 0,
    skipped: [],
    warnings: announceUnlearnt(first, onNotice),
    corrections: undefined,
    split: undefined,
    testSamples: 0,
    validationFrom: 'features',
    // Numbers of another file under the same names are other features.
    featuresId: [first.backbone ?? '', ...digests].join(' '),
    maker,
    images: [],
  };
}
