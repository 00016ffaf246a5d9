import { defaultDirectories } from '../base/directories.ts';
import { HeadstartError } from '../base/errors.ts';
import { fromFloat16 } from '../base/float16.ts';
import { makeTemporaryFolder } from '../base/temporary-files.ts';
import type { Sample, TableOptions } from '../dataset/index.ts';
import type { AugmentOptions } from '../image/index.ts';
import { type FeatureCache, openFeatureCache } from './cache.ts';
import { openExtractor, scanOnce, viewRequest } from './extractor.ts';
import type { ExtractorOptions } from './extractor-options.ts';
import { layoutOf, numbersOf } from './record.ts';

export interface RecomputeOptions extends ExtractorOptions, TableOptions {
  /** Folder or table of images whose features are in the cache. */
  readonly data: string;
  /** Share of the images, 0 < sample ≤ 1; default all. */
  readonly sample?: number | undefined;
  /** How views differ from the plain image; undefined for plain images only. */
  readonly augment?: AugmentOptions | undefined;
  /** Augmented views of each image, besides the plain one. Default 0. */
  readonly views?: number | undefined;
  readonly seed?: number | undefined;
}

/** What `cache verify --recompute --json` prints. */
export interface CacheRecomputation {
  readonly cache: string;
  readonly images: number;
  /** Features that are in the cache and were computed again. */
  readonly compared: number;
  /** Of these, those that differ by more than the tolerance. */
  readonly different: number;
  /** Of these, those with a wrong checksum, which are never used. */
  readonly damaged: number;
  /** Features of the images that are not in the cache. */
  readonly missing: number;
  /** Length of the difference over the length of what was computed; 1 where that has no meaning. */
  readonly largestDifference: number;
  readonly tolerance: number;
}

/**
 * Rounding to float16 and other instruction sets move features by some thousandths, another model
 * by about all of it.
 */
const tolerance = 0.01;

/**
 * Runs the backbone again on images and compares with what the cache holds of them: finds features
 * of a wrong model, or of a faulty machine, behind right checksums.
 *
 * @throws HeadstartError `CACHE_UNUSABLE`, `USAGE` where nothing of the images is in the cache, and
 * all of scanning and extraction
 * @example
 * ```ts
 * const { different } = await recomputeCache({ data: 'fruit', backbone: 'vgg16', sample: 0.01 });
 * ```
 */
export async function recomputeCache(options: RecomputeOptions): Promise<CacheRecomputation> {
  const { data, sample = 1, augment, views = 0, seed = 0 } = options;
  const dir = options.cacheDir ?? defaultDirectories().cacheDir;
  await using cache = await openFeatureCache({ dir, readOnly: true });
  const scan = await scanOnce(data, options);
  await using folder = await makeTemporaryFolder('headstart-recompute');
  let images = 0;
  {
    await using extractor = await openExtractor(
      { ...options, cacheDir: folder.path },
      async () => (await scan()).train,
    );
    const { train, validation, test } = await scan();
    const samples = someSamples([...train, ...validation, ...test], sample);
    images = samples.length;
    const numbers = Array.from({ length: augment ? views + 1 : 1 }, (_, view) => view);
    const viewsOf = (one: Sample) => numbers.map((view) => viewRequest(one, view, augment, seed));
    await extractor.extract(samples, viewsOf, 'computing again');
  }
  await using computed = await openFeatureCache({ dir: folder.path, readOnly: true });
  const found = compareRecords(cache, computed);
  if (found.compared + found.damaged === 0) throw nothingToCompare(dir, data);
  return { cache: dir, images, ...found, tolerance };
}

/** Evenly over all contents, whatever the files are called; at least one. */
function someSamples(samples: readonly Sample[], share: number): Sample[] {
  const byContent = new Map(samples.map((sample) => [sample.hash, sample]));
  const ordered = [...byContent.values()].sort((a, b) => (a.hash < b.hash ? -1 : 1));
  return ordered.filter((_, i) => Math.floor(i * share) !== Math.floor((i - 1) * share));
}

function compareRecords(cache: FeatureCache, computed: FeatureCache) {
  let [compared, different, damaged, missing, largest] = [0, 0, 0, 0, 0];
  for (const folder of computed.folders()) {
    for (const i of folder.numbers()) {
      const key = folder.key(i);
      const [kept, record] = [cache.find(key), folder.find(key)];
      if (!kept || !record) {
        if (cache.has(key)) damaged++;
        else missing++;
        continue;
      }
      compared++;
      const difference = relativeDistance(valuesOf(kept), valuesOf(record));
      largest = Math.max(largest, difference);
      if (!(difference <= tolerance)) different++;
    }
  }
  return { compared, different, damaged, missing, largestDifference: largest };
}

function valuesOf(record: Buffer): Float32Array {
  const bytes = Uint8Array.from(numbersOf(record)).buffer;
  if (layoutOf(record).dtype === 'float32') return new Float32Array(bytes);
  return fromFloat16(new Uint16Array(bytes));
}

/**
 * Length of the difference over that of `computed`; 1 where there is none, as of features that are all
 * zero, hold no finite number, or have another shape.
 */
export function relativeDistance(kept: Float32Array, computed: Float32Array): number {
  if (kept.length !== computed.length) return 1;
  let [difference, length] = [0, 0];
  for (let i = 0; i < computed.length; i++) {
    difference += ((kept[i] as number) - (computed[i] as number)) ** 2;
    length += (computed[i] as number) ** 2;
  }
  if (difference === 0) return 0;
  const ratio = Math.sqrt(difference / length);
  return Number.isFinite(ratio) ? ratio : 1;
}

function nothingToCompare(dir: string, data: string): HeadstartError {
  return new HeadstartError(
    'USAGE',
    `The cache ${dir} holds no features of the images of ${data} by this backbone: give the options that they were computed with.`,
  );
}
