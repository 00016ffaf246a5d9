import { resolve } from 'node:path';
import { HeadstartError } from '../base/errors.ts';
import {
  type AppliedCorrections,
  type DataOptions,
  type Dataset,
  type DatasetSplit,
  findLayout,
  type Sample,
  type SkippedFile,
} from '../dataset/index.ts';
import {
  announceDataset,
  announceUnlearnt,
  type Extractor,
  type ExtractorOptions,
  type FeatureSet,
  featureFileDigest,
  inGroups,
  openExtractor,
  readFeatureFile,
  scanOnce,
  viewRequest,
} from '../features/index.ts';
import {
  type EpochFeatures,
  planViews,
  type TrainingOptions,
  trainingSchedule,
} from '../head/index.ts';
import type { AugmentOptions } from '../image/index.ts';
import { type FeatureMaker, findFeatureMaker } from './feature-maker.ts';

export interface TrainingDataOptions extends ExtractorOptions, TrainingOptions, DataOptions {
  /** Folder of images; or else `features` and `validationFeatures`. */
  readonly data?: string | undefined;
  readonly features?: string | undefined;
  readonly validationFeatures?: string | undefined;
  readonly augment?: AugmentOptions | undefined;
}

export interface FeatureCounts {
  computed: number;
  reused: number;
}

/** What a head is trained on, wherever it came from. */
export interface TrainingData extends AsyncDisposable {
  /** The folder or the feature file, as the user named it. */
  readonly source: string;
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
  /** The backbone, where images were read. */
  readonly extractor: Extractor | undefined;
  /** What made the features, where its file is here. */
  readonly maker: FeatureMaker | undefined;
  /** The training images that could be read; none where features came from files. */
  readonly images: readonly Sample[];
}

/** @throws HeadstartError `USAGE`, `DATA_LAYOUT`, `FEATURE_FILE_INVALID` and all of {@link openExtractor} */
export async function openTrainingData(
  options: TrainingDataOptions,
  open: typeof openExtractor = openExtractor,
): Promise<TrainingData> {
  const { data, features, validationFeatures } = options;
  if (data !== undefined && features === undefined && validationFeatures === undefined) {
    return fromImages(data, options, open);
  }
  if (data !== undefined || features === undefined || validationFeatures === undefined) {
    throw new HeadstartError(
      'USAGE',
      'Give either a folder of images, or both `features` and `validationFeatures`.',
      { option: 'features' },
    );
  }
  if (options.corrections !== undefined) {
    throw new HeadstartError(
      'USAGE',
      'Corrections are for a folder of images: leave out `corrections`, or correct the features when they are written.',
      { option: 'corrections' },
    );
  }
  return fromFeatureFiles(features, validationFeatures, options);
}

async function fromImages(
  data: string,
  options: TrainingDataOptions,
  open: typeof openExtractor,
): Promise<TrainingData> {
  const { signal, onNotice } = options;
  // What can be refused at once is refused before every file is read.
  await findLayout(resolve(data), signal);
  const scan = scanOnce(data, options);
  const images = async () => (await scan()).train;
  const extractor = await open(options, images);
  try {
    const dataset = await scan();
    announceDataset(dataset, onNotice);
    const started = performance.now();
    const validation = await extractor.extract(
      dataset.validation,
      () => [undefined],
      'features (validation)',
    );
    const train = await extractTraining(extractor, dataset, options);
    const { classes } = dataset;
    const unlearnt = announceUnlearnt({ set: train.set, classes }, onNotice);
    const { backbone } = extractor;
    const { counts } = train;
    counts.computed += validation.computed;
    counts.reused += validation.reused;
    return {
      source: data,
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
      featuresId: `${backbone.sha256} ${backbone.provider} ${backbone.engine}${backbone.tf32 ? ' tf32' : ''} ${options.resize ?? 'bilinear'} ${options.fit ?? 'stretch'} ${JSON.stringify(options.augment ?? null)}`,
      extractor,
      maker: { backbone, resize: options.resize ?? 'bilinear', fit: options.fit ?? 'stretch' },
      images: train.images,
      [Symbol.asyncDispose]: () => extractor[Symbol.asyncDispose](),
    };
  } catch (error) {
    await extractor[Symbol.asyncDispose]();
    throw error;
  }
}

interface TrainingFeatures {
  readonly set: FeatureSet | EpochFeatures;
  readonly images: readonly Sample[];
  readonly counts: FeatureCounts;
  readonly skipped: readonly SkippedFile[];
}

/**
 * Extracts the views that the schedule will ask for. The schedule depends on how many images there
 * are, so where some turn out to be unreadable it is drawn anew for the rest; what has been
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

async function fromFeatureFiles(
  train: string,
  validation: string,
  options: TrainingDataOptions,
): Promise<TrainingData> {
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
    source: train,
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
    extractor: undefined,
    maker,
    images: [],
    [Symbol.asyncDispose]: async () => {},
  };
}
