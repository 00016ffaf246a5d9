import { resolve } from 'node:path';
import type { BackboneInfo, FeatureError, ImageSettings } from '../backbone/index.ts';
import { maxFloat16 } from '../base/float16.ts';
import type { NoticeListener } from '../base/operation.ts';
import { plural } from '../base/plural.ts';
import {
  type Dataset,
  findLayout,
  type Sample,
  type ScanOptions,
  type SkippedFile,
  scanLayout,
  unlearntWarning,
} from '../dataset/index.ts';
import { type AugmentOptions, drawView } from '../image/index.ts';
import { extractFeatures } from './extract.ts';
import { type ExtractorOptions, imageSettings } from './extractor-options.ts';
import { countMissing } from './missing.ts';
import { cachedScan, type HashingCacheOptions } from './open.ts';
import { type OpenBackbone, openBackboneAndCache } from './open-backbone.ts';
import type { ViewRequest } from './plan.ts';
import { errorOfPrecision, type SampleSource } from './precision.ts';
import type { FeatureDtype, FeatureSet } from './set.ts';
import { findUnreadable } from './unreadable.ts';

/** Features of some samples, and what they cost. */
export interface Extraction {
  readonly set: FeatureSet;
  readonly computed: number;
  readonly reused: number;
  readonly skipped: readonly SkippedFile[];
}

/** An open backbone with the cache that its features go to. */
export interface Extractor extends AsyncDisposable {
  readonly backbone: BackboneInfo;
  /** How images come to its size. */
  readonly images: ImageSettings;
  readonly dtype: FeatureDtype;
  /** The features of each sample's views, from the cache where they are there. */
  extract(
    samples: readonly Sample[],
    viewsOf: (sample: Sample, index: number) => readonly ViewRequest[],
    stage: string,
  ): Promise<Extraction>;
  /** How many of these views are not in the cache. */
  missing(
    samples: readonly Sample[],
    viewsOf: (sample: Sample, index: number) => readonly ViewRequest[],
  ): number;
  /** Reads and decodes images only to learn which of them cannot be. */
  findUnreadable(samples: readonly Sample[]): Promise<SkippedFile[]>;
  /** How far features of some of the samples are from fp32; undefined where it is fp32. */
  errorOfPrecision(samples: readonly Sample[]): Promise<FeatureError | undefined>;
}

/** As {@link openBackboneAndCache}, with a notice of the device that is used. */
export async function openExtractor(
  options: ExtractorOptions,
  source: SampleSource,
): Promise<Extractor> {
  const open = await openBackboneAndCache(options, source);
  return {
    ...extractorOn(open, options),
    [Symbol.asyncDispose]: () => open[Symbol.asyncDispose](),
  };
}

/** An extractor on what is open already, and stays open after it. */
export function extractorOn(
  { exact, file, backbone, cache }: OpenBackbone,
  options: ExtractorOptions,
): Extractor {
  const { signal, featureDtype: dtype = 'float16' } = options;
  const images = imageSettings(options, exact);
  announce(backbone.info, images, options.onNotice);
  let hugeIsSaid = false;
  return {
    backbone: backbone.info,
    images,
    dtype,
    findUnreadable: (samples) =>
      findUnreadable(samples, { ...backbone.info.input, ...images }, options),
    errorOfPrecision: async (samples) =>
      file === exact ? undefined : errorOfPrecision(exact, backbone, samples, options),
    missing: (samples, viewsOf) =>
      countMissing({
        samples: samples.map((sample, i) => ({ sample, views: viewsOf(sample, i) })),
        backbone,
        cache,
        ...images,
        dtype,
      }),
    extract: async (samples, viewsOf, stage) => {
      const extraction = await extractFeatures({
        samples: samples.map((sample, i) => ({ sample, views: viewsOf(sample, i) })),
        backbone,
        cache,
        ...images,
        dtype,
        signal,
        onNotice: options.onNotice,
        onProgress: (progress) => options.onProgress?.({ ...progress, stage }),
      });
      announceDamage(extraction.damaged, options.onNotice);
      if (!hugeIsSaid) hugeIsSaid = await announceHuge(extraction.set, options.onNotice);
      return extraction;
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/**
 * Finds the images of a folder or table, so that what is wrong there is refused before long work. They
 * are read for their hashes when what is returned is first called, and once.
 */
export async function scanOnce(
  data: string,
  options: ScanOptions & HashingCacheOptions,
): Promise<() => Promise<Dataset>> {
  const layout = await findLayout(resolve(data), options);
  let scanned: Promise<Dataset> | undefined;
  return () => {
    scanned ??= scanLayout(data, layout, cachedScan(options));
    return scanned;
  };
}

function announce(
  backbone: BackboneInfo,
  { resize, fit }: ImageSettings,
  onNotice: NoticeListener | undefined,
): void {
  const { name, device, featureShape, notice, remark, untrained, precision, cutLayer } = backbone;
  const shape = featureShape.join('x');
  onNotice?.({
    level: 'info',
    text: `Backbone ${name} (features ${shape}${precision === 'float32' ? '' : `, ${precision}`}) on ${device}`,
  });
  if (backbone.images) {
    const text = `Images: ${fit}, ${resize}; pixels: ${backbone.preprocessing}`;
    onNotice?.({ level: 'info', text });
  }
  if (cutLayer) {
    const text = `Features: what the classifier’s last dense layer, "${cutLayer}", is given`;
    onNotice?.({ level: 'info', text });
  }
  if (notice) onNotice?.({ level: 'info', text: notice });
  if (remark) onNotice?.({ level: 'warning', text: remark });
  if (untrained) onNotice?.({ level: 'warning', text: untrainedWarning });
}

/** Says where the features of the first image are beyond what heads learn from. @returns whether they are */
async function announceHuge(
  set: FeatureSet,
  onNotice: NoticeListener | undefined,
): Promise<boolean> {
  if (set.dtype === 'float16' || set.rowCount === 0) return false;
  let largest = 0;
  for await (const chunk of set.chunks({ rows: [0] })) {
    for (const value of chunk) largest = Math.max(largest, Math.abs(value));
  }
  if (largest <= maxFloat16) return false;
  const text = `features reach ${largest.toExponential(0)}: heads need numbers of about 1. Check that the preprocessing is the one that the backbone was trained with.`;
  onNotice?.({ level: 'warning', text });
  return true;
}

function announceDamage(damaged: number, onNotice: NoticeListener | undefined): void {
  if (damaged === 0) return;
  const text = `${plural(damaged, 'feature')} of the cache computed again, as the record was damaged.`;
  onNotice?.({ level: 'warning', text });
}

const untrainedWarning =
  'the features are UNTRAINED (VGG16 with random weights): enough for simple pictures only. Fetch the real weights with `pullWeights()`.';

/** View 0 of a sample is its plain image, view v ≥ 1 the v-th random transform of it. */
export function viewRequest(
  sample: Sample,
  view: number,
  augment: AugmentOptions | undefined,
  seed: number,
): ViewRequest {
  if (view === 0 || !augment) return undefined;
  return drawView({ seed, hash: sample.hash, view, augment });
}

/** Says which classes have no image to learn from, once files that cannot be read are left out. @returns that */
export function announceUnlearnt(
  { set: { samples }, classes }: { set: Pick<FeatureSet, 'samples'>; classes: readonly string[] },
  onNotice: NoticeListener | undefined,
): string[] {
  const text = unlearntWarning(samples, classes);
  if (text === undefined) return [];
  onNotice?.({ level: 'warning', text });
  return [text];
}

/** Passes on what a scan found worth saying. */
export function announceDataset(dataset: Dataset, onNotice: NoticeListener | undefined): void {
  const { classes, train, validation, test } = dataset;
  const hasTest = test.length > 0 && dataset.validationFrom !== 'test';
  const parts = [
    `${train.length} training`,
    hasTest ? `${validation.length} validation` : plural(validation.length, 'validation image'),
    ...(hasTest ? [plural(test.length, 'test image')] : []),
  ];
  const text = `${classes.length} classes (${shortList(classes)}): ${parts.join(', ')}`;
  onNotice?.({ level: 'info', text });
  announceCorrections(dataset, onNotice);
  for (const text of dataset.warnings) {
    const isFault = dataset.sameBytes.includes(text);
    onNotice?.({ level: 'warning', text, ...(isFault ? { code: 'SAME_BYTES' } : {}) });
  }
}

/** Says what the corrections did, where some were given. */
export function announceCorrections(
  { corrections }: Pick<Dataset, 'corrections'>,
  onNotice: NoticeListener | undefined,
): void {
  if (!corrections) return;
  const { file, relabelled, removed } = corrections;
  const text = `Corrections in ${file}: ${plural(relabelled, 'image')} relabelled, ${removed} left out`;
  onNotice?.({ level: 'info', text });
}

function shortList(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 8).join(', ')}, …` : names.join(', ');
}
