import { HeadstartError } from '../base/errors.ts';
import type { Dataset, Sample, SkippedFile } from '../dataset/index.ts';
import {
  announceUnlearnt,
  type Extraction,
  type Extractor,
  inGroups,
  readFeatureFile,
  viewRequest,
} from '../features/index.ts';
import {
  type FeatureCounts,
  type ImageOrigin,
  type OpenImagesOptions,
  openImages,
} from '../train/index.ts';
import type { ExperimentImages } from './heads.ts';

export interface ExperimentDataOptions extends OpenImagesOptions {
  /** A feature file of plain images, in place of a folder. */
  readonly features?: string | undefined;
  /** Augmented views of each image; default 4. */
  readonly views?: number | undefined;
}

/** Images of a folder, with their features. */
export interface ExperimentData extends ImageOrigin {
  readonly images: ExperimentImages;
  /** The file of each of `images`, in its order; none where features came from a file. */
  readonly files: readonly Sample[];
  readonly counts: FeatureCounts;
  readonly skipped: readonly SkippedFile[];
}

type ReadData = Omit<ExperimentData, keyof ImageOrigin>;

/**
 * Opens the images that an experiment is about, each with its plain features and those of its views.
 *
 * @param choose which images of the folder
 * @param isPlain of which of them no views are needed
 * @throws HeadstartError `FEATURE_FILE_INVALID` and all of {@link openImages}
 */
export function openExperimentData(
  options: ExperimentDataOptions,
  choose: (dataset: Dataset) => readonly Sample[],
  isPlain?: (sample: Sample) => boolean,
): Promise<ExperimentData> {
  return openImages<ReadData, [string]>(options, {
    files: [options.features],
    fromFolder: async (extractor, dataset) => {
      const { classes } = dataset;
      const chosen = choose(dataset);
      const extraction = await extractExperimentImages(extractor, chosen, options, isPlain);
      const { set, computed, reused, skipped } = extraction;
      if (set.samples.length === 0) {
        const text = `None of the images of ${options.data} could be read.`;
        throw new HeadstartError('DATA_LAYOUT', text);
      }
      announceUnlearnt({ set, classes }, options.onNotice);
      const lost = new Set(skipped.map(({ path }) => path));
      return {
        images: { set, classes },
        files: chosen.filter(({ path }) => !lost.has(path)),
        counts: { computed, reused },
        skipped: [...dataset.skipped, ...skipped],
      };
    },
    fromFiles: async (file) => {
      const { set, classes } = await readFeatureFile(file);
      announceUnlearnt({ set, classes }, options.onNotice);
      return {
        images: { set: inGroups(set, options.groupBy), classes },
        files: [],
        counts: { computed: 0, reused: set.rowCount },
        skipped: [],
      };
    },
  });
}

/** Row v of each sample is its view v, row 0 its plain image. */
export async function extractExperimentImages(
  extractor: Extractor,
  samples: readonly Sample[],
  options: Pick<ExperimentDataOptions, 'augment' | 'views' | 'seed' | 'groupBy'>,
  isPlain: (sample: Sample) => boolean = () => false,
): Promise<Extraction> {
  const viewsOf = experimentViews(options);
  const extraction = await extractor.extract(
    samples,
    (sample) => (isPlain(sample) ? [undefined] : viewsOf(sample)),
    'features',
  );
  return { ...extraction, set: inGroups(extraction.set, options.groupBy) };
}

/** The views of a sample that an experiment needs. */
export function experimentViews({
  augment,
  views = 4,
  seed = 0,
}: Pick<ExperimentDataOptions, 'augment' | 'views' | 'seed'>) {
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
