import type { FeatureError } from '../backbone/index.ts';
import { checkWritable } from '../base/atomic-file.ts';
import { HeadstartError } from '../base/errors.ts';
import type { DataOptions, Dataset, Sample, SkippedFile } from '../dataset/index.ts';
import type { AugmentOptions } from '../image/index.ts';
import type { Shard } from '../options/index.ts';
import {
  announceDataset,
  type Extractor,
  openExtractor,
  scanOnce,
  viewRequest,
} from './extractor.ts';
import type { ExtractorOptions } from './extractor-options.ts';
import { writeFeatureFile } from './file.ts';
import type { FeatureFileDescription } from './file-description.ts';

export interface PrecomputeOptions extends ExtractorOptions, DataOptions {
  /** Folder or table of images. */
  readonly data: string;
  /** How views differ from the plain image; undefined for plain images only. */
  readonly augment?: AugmentOptions | undefined;
  /** Augmented views of each training image, besides the plain one. Default 0. */
  readonly views?: number | undefined;
  /**
   * A feature file to write, of plain images: `F.safetensors` for the training images and, beside
   * it, `F.validation.safetensors` and `F.test.safetensors` where there are such images.
   */
  readonly out?: string | undefined;
  /**
   * Only the images of one part of several, for a process or machine each; see {@link inShard}. All
   * may write to one cache.
   */
  readonly shard?: Shard | undefined;
}

/**
 * Which part an image is in: its content hash, as a number, modulo the number of parts. So it does
 * not depend on names, places and the other images.
 *
 * @example
 * ```ts
 * const { train } = await scanDataset('fruit');
 * const ours = train.filter((sample) => inShard(sample, { index: 1, count: 4 }));
 * ```
 */
export function inShard({ hash }: Pick<Sample, 'hash'>, { index, count }: Shard): boolean {
  return Number(BigInt(`0x${hash.slice(0, 16)}`) % BigInt(count)) === index - 1;
}

export interface PrecomputeResult {
  readonly backbone: string;
  readonly untrained: boolean;
  readonly device: string;
  readonly classes: readonly string[];
  readonly images: number;
  readonly computed: number;
  readonly reused: number;
  readonly seconds: number;
  readonly skipped: readonly SkippedFile[];
  /** Of int8 and fp16: how far features of some training images are from those of fp32. */
  readonly featureError?: FeatureError | undefined;
  /** The feature files written. */
  readonly files: readonly string[];
}

/**
 * Computes the features of all images of a folder into the cache.
 *
 * @throws HeadstartError `USAGE` where a shard is to be written to a feature file, and all of
 *   scanning and extraction
 * @example
 * ```ts
 * const { computed } = await precomputeFeatures({ data: 'fruit', backbone: 'vgg16' });
 * ```
 */
export async function precomputeFeatures(options: PrecomputeOptions): Promise<PrecomputeResult> {
  if (options.shard && options.out) {
    throw new HeadstartError(
      'USAGE',
      'A shard has a part of the images only: leave out `out`, and write the file when all shards are in the cache.',
      { option: 'out' },
    );
  }
  const { data, seed = 0, out } = options;
  const started = performance.now();
  const scan = await scanOnce(data, options);
  if (out) await checkWritable(out);
  // Shards do not overlap: nobody else computes the same.
  const own = { ...options, claims: options.shard === undefined };
  await using extractor = await openExtractor(own, async () => (await scan()).train);
  const dataset = await scan();
  announceDataset(dataset, options.onNotice);
  const total = { computed: 0, reused: 0 };
  const skipped = [...dataset.skipped];
  const files: string[] = [];
  let images = 0;
  for (const { name, samples, views } of splitsOf(dataset, options)) {
    images += samples.length;
    const { set, ...counts } = await extractor.extract(
      samples,
      (sample) => views.map((view) => viewRequest(sample, view, options.augment, seed)),
      `features (${name})`,
    );
    total.computed += counts.computed;
    total.reused += counts.reused;
    skipped.push(...counts.skipped);
    if (!out) continue;
    const file = fileOfSplit(out, name);
    await writeFeatureFile(file, set, describe(dataset, extractor));
    files.push(file);
  }
  return {
    backbone: extractor.backbone.name,
    untrained: extractor.backbone.untrained,
    device: extractor.backbone.device,
    classes: dataset.classes,
    images,
    ...total,
    seconds: (performance.now() - started) / 1000,
    featureError: await extractor.errorOfPrecision(dataset.train),
    skipped,
    files,
  };
}

interface SplitToExtract {
  readonly name: 'train' | 'validation' | 'test';
  readonly samples: readonly Sample[];
  readonly views: readonly number[];
}

/** Augmented views are made of training images only; view 0 comes first. */
function splitsOf(
  dataset: Dataset,
  { views = 0, augment, shard }: PrecomputeOptions,
): SplitToExtract[] {
  const augmented = augment ? views : 0;
  const viewNumbers = Array.from({ length: augmented + 1 }, (_, view) => view);
  const splits: SplitToExtract[] = [
    { name: 'train', samples: dataset.train, views: viewNumbers },
    { name: 'validation', samples: dataset.validation, views: [0] },
  ];
  if (dataset.validationFrom !== 'test') {
    splits.push({ name: 'test', samples: dataset.test, views: [0] });
  }
  return splits
    .map((split) => ({ ...split, samples: samplesOf(split, shard) }))
    .filter(({ samples }) => samples.length > 0);
}

function samplesOf({ samples }: SplitToExtract, shard: Shard | undefined): readonly Sample[] {
  return shard ? samples.filter((sample) => inShard(sample, shard)) : samples;
}

function fileOfSplit(out: string, name: SplitToExtract['name']): string {
  return name === 'train' ? out : `${out.replace(/\.safetensors$/, '')}.${name}.safetensors`;
}

function describe({ classes }: Dataset, { backbone, images }: Extractor): FeatureFileDescription {
  return { classes, backbone: `${backbone.name} ${backbone.sha256}`, ...images };
}
