import { resolve } from 'node:path';
import { HeadstartError } from '../base/errors.ts';
import {
  type DataOptions,
  type Dataset,
  findLayout,
  type Sample,
  type SkippedFile,
} from '../dataset/index.ts';
import {
  announceDataset,
  announceUnlearnt,
  type Extraction,
  type Extractor,
  type ExtractorOptions,
  inGroups,
  openExtractor,
  readFeatureFile,
  scanOnce,
  viewRequest,
} from '../features/index.ts';
import type { AugmentOptions } from '../image/index.ts';
import type { FeatureCounts } from '../train/index.ts';
import type { StudyImages } from './heads.ts';

export interface StudyDataOptions extends ExtractorOptions, DataOptions {
  /** Folder of images; or else `features`. */
  readonly data?: string | undefined;
  /** A feature file of plain images. */
  readonly features?: string | undefined;
  /** How views differ from the plain image; undefined for plain images only. */
  readonly augment?: AugmentOptions | undefined;
  /** Augmented views of each image; default 4. */
  readonly views?: number | undefined;
}

/** Images of a folder, with their features. */
export interface StudyData extends AsyncDisposable {
  /** The folder or the feature file, as the user named it. */
  readonly source: string;
  readonly images: StudyImages;
  /** The file of each of `images`, in its order; none where features came from a file. */
  readonly files: readonly Sample[];
  readonly counts: FeatureCounts;
  readonly skipped: readonly SkippedFile[];
  readonly extractor: Extractor | undefined;
}

/**
 * Opens the images that a study is about, each with its plain features and those of its views.
 *
 * @param choose which images of the folder
 * @param isPlain of which of them no views are needed
 * @throws HeadstartError `USAGE`, `DATA_LAYOUT`, `FEATURE_FILE_INVALID` and all of {@link openExtractor}
 */
export async function openStudyData(
  options: StudyDataOptions,
  choose: (dataset: Dataset) => readonly Sample[],
  isPlain: (sample: Sample) => boolean = () => false,
): Promise<StudyData> {
  const { data, features } = options;
  if (data !== undefined && features === undefined) {
    return fromFolder(data, options, choose, isPlain);
  }
  if (data !== undefined || features === undefined) {
    throw new HeadstartError('USAGE', 'Give either a folder of images, or `features`.', {
      option: 'features',
    });
  }
  if (options.corrections !== undefined) {
    throw new HeadstartError(
      'USAGE',
      'Corrections are for a folder of images: leave out `corrections`, or correct the features when they are written.',
      { option: 'corrections' },
    );
  }
  const { set, classes } = await readFeatureFile(features);
  announceUnlearnt({ set, classes }, options.onNotice);
  return {
    source: features,
    images: { set: inGroups(set, options.groupBy), classes },
    files: [],
    counts: { computed: 0, reused: set.rowCount },
    skipped: [],
    extractor: undefined,
    [Symbol.asyncDispose]: async () => {},
  };
}

async function fromFolder(
  data: string,
  options: StudyDataOptions,
  choose: (dataset: Dataset) => readonly Sample[],
  isPlain: (sample: Sample) => boolean,
): Promise<StudyData> {
  const { signal, onNotice } = options;
  await findLayout(resolve(data), signal);
  const scan = scanOnce(data, options);
  const extractor = await openExtractor(options, async () => (await scan()).train);
  try {
    const dataset = await scan();
    announceDataset(dataset, onNotice);
    const chosen = choose(dataset);
    const extraction = await extractStudyImages(extractor, chosen, options, isPlain);
    const { set, computed, reused } = extraction;
    const lost = new Set(extraction.skipped.map(({ path }) => path));
    if (set.samples.length === 0) {
      throw new HeadstartError('DATA_LAYOUT', `None of the images of ${data} could be read.`);
    }
    announceUnlearnt({ set, classes: dataset.classes }, onNotice);
    return {
      source: data,
      images: { set, classes: dataset.classes },
      files: chosen.filter(({ path }) => !lost.has(path)),
      counts: { computed, reused },
      skipped: [...dataset.skipped, ...extraction.skipped],
      extractor,
      [Symbol.asyncDispose]: () => extractor[Symbol.asyncDispose](),
    };
  } catch (error) {
    await extractor[Symbol.asyncDispose]();
    throw error;
  }
}

/** Row v of each sample is its view v, row 0 its plain image. */
export async function extractStudyImages(
  extractor: Extractor,
  samples: readonly Sample[],
  options: Pick<StudyDataOptions, 'augment' | 'views' | 'seed' | 'groupBy'>,
  isPlain: (sample: Sample) => boolean = () => false,
): Promise<Extraction> {
  const viewsOf = studyViews(options);
  const extraction = await extractor.extract(
    samples,
    (sample) => (isPlain(sample) ? [undefined] : viewsOf(sample)),
    'features',
  );
  return { ...extraction, set: inGroups(extraction.set, options.groupBy) };
}

/** The views of a sample that a study needs. */
export function studyViews({
  augment,
  views = 4,
  seed = 0,
}: Pick<StudyDataOptions, 'augment' | 'views' | 'seed'>) {
  const count = augment ? views : 0;
  return (sample: Sample) =>
    Array.from({ length: count + 1 }, (_, view) => viewRequest(sample, view, augment, seed));
}

/** What images are trained on: all where the folder has no split of its own, else its training part. */
export function trainingImages(dataset: Dataset): readonly Sample[] {
  if (dataset.layout === 'split' && dataset.validationFrom !== 'split') return dataset.train;
  return inOrderOfNames([...dataset.train, ...dataset.validation]);
}

/** Every image of a folder, in whatever part it is. */
export function allImages(dataset: Dataset): readonly Sample[] {
  const { train, validation, test, validationFrom } = dataset;
  const own = [...train, ...validation];
  return inOrderOfNames(validationFrom === 'test' ? own : [...own, ...test]);
}

function inOrderOfNames(samples: Sample[]): Sample[] {
  return samples.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}
