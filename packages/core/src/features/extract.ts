import { setTimeout } from 'node:timers/promises';
import type { Backbone } from '../backbone/index.ts';
import { BufferPool } from '../base/buffer-pool.ts';
import { HeadstartError } from '../base/errors.ts';
import type { LongOperationOptions, NoticeListener } from '../base/operation.ts';
import { mapOrdered } from '../base/ordered-map.ts';
import { availableThreads } from '../base/threads.ts';
import type { Sample, SkippedFile } from '../dataset/index.ts';
import type { ResizeOptions } from '../image/index.ts';
import { isUnusable } from './cache-error.ts';
import { cachedFeatureSet } from './cached-set.ts';
import { type ClaimedViews, claimViews, type MissingViews, releaseQuietly } from './claim-views.ts';
import { InferenceQueue } from './inference-queue.ts';
import { extractorId } from './key.ts';
import {
  assignRows,
  type ExtractionPlan,
  keysOf,
  planExtraction,
  type SampleRequest,
} from './plan.ts';
import { type ReadImage, readImage } from './read-image.ts';
import type { RecordLayout } from './record.ts';
import type { FeatureDtype, FeatureSet } from './set.ts';
import type { FeatureStore } from './store.ts';
import { waitingNotice } from './waiting.ts';

export interface ExtractFeaturesOptions extends LongOperationOptions, ResizeOptions {
  /** Images, and which views of each. */
  readonly samples: readonly SampleRequest[];
  readonly backbone: Pick<Backbone, 'run' | 'info'>;
  readonly cache: FeatureStore;
  /** Views in one inference; default 8 on the CPU, 64 on a GPU. */
  readonly batchSize?: number | undefined;
  /** Default `float16`. */
  readonly dtype?: FeatureDtype | undefined;
  readonly onNotice?: NoticeListener | undefined;
}

export interface ExtractFeaturesResult {
  /** Rows are read from the cache when they are asked for: the cache must stay open. */
  readonly set: FeatureSet;
  /** Views computed now. */
  readonly computed: number;
  /** Views found in the cache. Views of files of the same bytes are counted once. */
  readonly reused: number;
  /** Of `computed`, those of which the cache held a damaged record. */
  readonly damaged: number;
  /** Images that could not be read; the set is without them. */
  readonly skipped: readonly SkippedFile[];
}

/** Images being read or decoded, or decoded and waiting to enter a batch: two for each decoding thread. */
const decodedAhead = () => Math.max(16, 2 * availableThreads());

/** Between looks at what other processes are computing. */
const waitMs = 100;

/** Images that are looked up at once. */
const contentsPerLookup = 2048;

/**
 * The features of images, from the cache where they are there, else computed and put there.
 *
 * Reading, decoding, inference and writing overlap; memory is bounded whatever the number of
 * images. An image that cannot be read is left out, with its reason; the others go on. Progress
 * counts views.
 *
 * @throws HeadstartError `CACHE_UNUSABLE`, `BACKBONE_UNSUITABLE`; `signal.reason` where aborted,
 * after the batches in flight have been written
 * @example
 * ```ts
 * await using backbone = await openBackbone('vgg16');
 * await using cache = await openFeatureCache({ dir: 'cache' });
 * const { train: images } = await scanDataset('fruit');
 * const samples = images.map((sample) => ({ sample, views: [undefined] }));
 * const { set } = await extractFeatures({ samples, backbone, cache });
 * console.log(set.shape, set.samples.length);
 * ```
 */
export async function extractFeatures(
  options: ExtractFeaturesOptions,
): Promise<ExtractFeaturesResult> {
  const { samples, backbone, cache, dtype = 'float16' } = options;
  const { signal, onProgress } = options;
  signal?.throwIfAborted();
  const extractor = extractorId(backbone.info, options);
  const layout: RecordLayout = { shape: backbone.info.featureShape, dtype };
  const plan = planExtraction(samples, extractor, dtype);
  const counts = { computed: 0, reused: 0, damaged: 0, left: 0 };
  const report = () => {
    const done = counts.computed + counts.reused + counts.left;
    const { reused } = counts;
    onProgress?.({ stage: 'features', done, total: plan.viewCount, unit: 'views', reused });
  };
  report();
  noteUse(cache, keysOf(plan), options);
  const missing = await findMissing(plan, layout, options, counts);
  report();
  if (missing.length > 0) cache.describeExtractor(extractor);
  const skipped = await compute(missing, layout, options, {
    onWritten: (count) => {
      counts.computed += count;
      report();
    },
    onFound: (count) => {
      counts.reused += count;
      report();
    },
    onLeftOut: (count) => {
      counts.left += count;
      report();
    },
  });
  const rows = assignRows(samples, plan, new Set(skipped.keys()));
  return {
    set: cachedFeatureSet({ cache, layout, ...rows }),
    computed: counts.computed,
    reused: counts.reused,
    damaged: counts.damaged,
    skipped: [...skipped].map(([{ path }, reason]) => ({ path, reason })),
  };
}

/** Features that are there are used also where that cannot be written down, as on a full disk. */
function noteUse(
  cache: FeatureStore,
  keys: Iterable<Buffer>,
  { onNotice }: ExtractFeaturesOptions,
): void {
  try {
    cache.noteUse(keys);
  } catch (error) {
    if (!isUnusable(error)) throw error;
    const text = `${error.message} The use of its features is not recorded: \`collectCacheGarbage()\` may remove them.`;
    onNotice?.({ level: 'warning', text });
  }
}

/** Which views the cache does not hold whole. */
async function findMissing(
  plan: ExtractionPlan,
  layout: RecordLayout,
  { cache, signal }: ExtractFeaturesOptions,
  counts: { reused: number; damaged: number },
): Promise<MissingViews[]> {
  const missing: MissingViews[] = [];
  for (let first = 0; first < plan.contents.length; first += contentsPerLookup) {
    signal?.throwIfAborted();
    const contents = plan.contents.slice(first, first + contentsPerLookup);
    const keys = contents.flatMap(({ views }) => views.map(({ key }) => key));
    const right = await cache.read(keys, layout);
    let row = 0;
    for (const content of contents) {
      const lost = content.views.filter(() => !right[row++]);
      counts.reused += content.views.length - lost.length;
      counts.damaged += lost.filter(({ key }) => cache.has(key)).length;
      if (lost.length === content.views.length) missing.push(content);
      else if (lost.length > 0) missing.push({ samples: content.samples, views: lost });
    }
  }
  return missing;
}

interface ComputeListeners {
  readonly onWritten: (count: number) => void;
  /** Computed by another process meanwhile. */
  readonly onFound: (count: number) => void;
  readonly onLeftOut: (count: number) => void;
}

/**
 * Computes views into the cache, those that no other process is computing; then those that none
 * did. Returns the samples that could not be read, with reasons.
 */
async function compute(
  missing: readonly MissingViews[],
  layout: RecordLayout,
  options: ExtractFeaturesOptions,
  { onWritten, onFound, onLeftOut }: ComputeListeners,
): Promise<Map<Sample, string>> {
  const { backbone, cache, resize, fit, signal, onNotice } = options;
  const { height, width } = backbone.info.input;
  const viewBytes = height * width * 3;
  const batchSize = batchSizeOf(options);
  const claimed = new Set<Buffer>();
  const queue = new InferenceQueue({
    backbone,
    cache,
    layout,
    batchSize,
    onWritten: (keys) => {
      for (const key of keys) claimed.delete(key);
      onWritten(keys.length);
    },
  });
  const ahead = decodedAhead();
  const pool = new BufferPool(ahead);
  const read = async (work: ClaimedViews): Promise<ReadImage & { work: ClaimedViews }> => {
    signal?.throwIfAborted();
    const views = work.views.map(({ view }) => view);
    const options = { height, width, resize, fit, views };
    const image = await readImage(work.samples, options, pool);
    return { ...image, work };
  };
  const skipped = new Map<Sample, string>();
  let sayWaiting: ReturnType<typeof waitingNotice> | undefined;
  try {
    for (let left = missing; left.length > 0; ) {
      const theirs: MissingViews[] = [];
      const ours = claimViews(left, { cache, layout, onFound, claimed, theirs });
      for await (const { work, pixels, skipped: lost } of mapOrdered(ours, ahead, read)) {
        for (const { sample, reason } of lost) skipped.set(sample, reason);
        if (!pixels) {
          // Others need not wait for it until the end.
          releaseQuietly(
            cache,
            work.views.map(({ key }) => key),
          );
          onLeftOut(work.views.length);
          continue;
        }
        const name = work.samples[0]?.name ?? '';
        for (const [i, { key }] of work.views.entries()) {
          signal?.throwIfAborted();
          await queue.add(pixels.subarray(i * viewBytes, (i + 1) * viewBytes), { key, name });
        }
        pool.give(pixels);
      }
      signal?.throwIfAborted();
      await queue.finish();
      left = theirs;
      if (left.length === 0) break;
      sayWaiting ??= waitingNotice(cache, onNotice);
      sayWaiting(left);
      await setTimeout(waitMs, undefined, signal && { signal });
    }
  } catch (error) {
    await queue.settle();
    signal?.throwIfAborted();
    throw error;
  } finally {
    releaseQuietly(cache, [...claimed]);
  }
  return skipped;
}

function batchSizeOf({ batchSize, backbone }: ExtractFeaturesOptions): number {
  if (batchSize === undefined) return backbone.info.provider === 'cpu' ? 8 : 64;
  if (Number.isInteger(batchSize) && batchSize >= 1) return batchSize;
  throw new HeadstartError(
    'USAGE',
    `The batch size of extraction must be an integer from 1, not ${batchSize}.`,
  );
}
