import { readFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { HeadstartError, reasonOf } from '../errors.ts';
import { decodeImage, type ImageFormat, imageFormat, unreadableReason } from '../image/index.ts';
import type { LongOperationOptions } from '../operation.ts';
import type { CorrectionOptions } from './corrections.ts';
import type { HashingOptions } from './hash.ts';
import { findLayout } from './layout.ts';
import { readParts } from './parts.ts';
import type { Sample, SkippedFile } from './types.ts';
import { countByClass, fewImages } from './warnings.ts';

export type Part = 'train' | 'validation' | 'test';

/** How many images of a class there are. */
export interface ClassCount {
  readonly name: string;
  /** Of the whole folder where it is flat: the split is made at training. */
  readonly train: number;
  readonly validation: number;
  readonly test: number;
}

/** A file that is no image of the kind that its name says, though it can be read. */
export interface MisnamedFile {
  readonly name: string;
  readonly extension: string;
  readonly content: ImageFormat;
}

/** Files of the same bytes. */
export interface SameContent {
  readonly hash: string;
  readonly files: readonly { readonly name: string; readonly part: Part; readonly class: string }[];
}

/** What is in a folder of images, and what is wrong with it. Names are relative to `root`. */
export interface CheckReport {
  readonly root: string;
  readonly layout: 'flat' | 'split';
  readonly classes: readonly ClassCount[];
  /** Files that are images by their names. */
  readonly images: number;
  /** Files that cannot be decoded, and files that are no images by their names. */
  readonly unreadable: readonly SkippedFile[];
  readonly misnamed: readonly MisnamedFile[];
  /** Files of the same bytes within one class and part. */
  readonly duplicates: readonly SameContent[];
  /** The same bytes in training and in validation or test. */
  readonly leaks: readonly SameContent[];
  /** The same bytes under two classes. */
  readonly conflicts: readonly SameContent[];
  /** Classes with fewer than 20 training images. */
  readonly tinyClasses: readonly { readonly name: string; readonly count: number }[];
  /** The largest class's training images divided by the smallest's. */
  readonly imbalance: number;
  /** What was found about the layout, one sentence each. */
  readonly warnings: readonly string[];
}

type PlacedSample = Sample & { readonly part: Part };

/** Images being decoded at once. */
const parallelImages = 4;

/**
 * Reads and decodes every image of a folder and says what is wrong.
 *
 * @throws HeadstartError `DATA_LAYOUT`
 */
export async function checkDataset(
  root: string,
  options: HashingOptions & CorrectionOptions = {},
): Promise<CheckReport> {
  const path = resolve(root);
  const layout = await findLayout(path, options.signal);
  const parts = await readParts(path, layout, options);
  const classes = parts.classes;
  const samples = [
    ...placed(parts.train, 'train'),
    ...placed(parts.validation ?? [], 'validation'),
    ...placed(parts.test ?? [], 'test'),
  ];
  const { unreadable, misnamed } = await decodeAll(samples, options);
  const bad = new Set(unreadable.map((file) => file.path));
  const counts = countClasses(
    samples.filter((sample) => !bad.has(sample.path)),
    classes,
  );
  const training = counts.map(({ train }) => train);
  return {
    root: path,
    layout: layout.kind,
    classes: counts,
    images: samples.length,
    unreadable: [...parts.skipped, ...unreadable],
    misnamed,
    ...sameContents(samples, classes),
    tinyClasses: counts
      .filter(({ train }) => train < fewImages)
      .map(({ name, train }) => ({ name, count: train })),
    imbalance: Math.max(...training) / Math.max(1, Math.min(...training)),
    warnings: parts.warnings,
  };
}

function countClasses(samples: readonly PlacedSample[], classes: readonly string[]): ClassCount[] {
  const of = (part: Part) =>
    countByClass(
      samples.filter((sample) => sample.part === part),
      classes,
    );
  const [train, validation, test] = [of('train'), of('validation'), of('test')];
  return classes.map((name, label) => ({
    name,
    train: train[label] ?? 0,
    validation: validation[label] ?? 0,
    test: test[label] ?? 0,
  }));
}

function placed(samples: readonly Sample[], part: Part): PlacedSample[] {
  return samples.map((sample) => ({ ...sample, part }));
}

async function decodeAll(
  samples: readonly PlacedSample[],
  { signal, onProgress }: LongOperationOptions,
): Promise<{ unreadable: SkippedFile[]; misnamed: MisnamedFile[] }> {
  const findings = new Array<{ reason?: string; misnamed?: MisnamedFile }>(samples.length);
  let next = 0;
  let done = 0;
  const work = async () => {
    while (next < samples.length) {
      signal?.throwIfAborted();
      const index = next++;
      findings[index] = await inspect(samples[index] as PlacedSample);
      done++;
      onProgress?.({ stage: 'decoding', done, total: samples.length, unit: 'images' });
    }
  };
  await Promise.all(Array.from({ length: parallelImages }, work));
  return {
    unreadable: samples.flatMap(({ path }, i) => {
      const reason = findings[i]?.reason;
      return reason === undefined ? [] : [{ path, reason }];
    }),
    misnamed: findings.flatMap(({ misnamed }) => (misnamed ? [misnamed] : [])),
  };
}

async function inspect({
  path,
  name,
}: PlacedSample): Promise<{ reason?: string; misnamed?: MisnamedFile }> {
  try {
    const bytes = await readFile(path);
    await decodeImage(bytes, { height: 32, width: 32 }, path);
    const content = imageFormat(bytes) as ImageFormat;
    const extension = extname(name).toLowerCase();
    return formatOf(extension) === content ? {} : { misnamed: { name, extension, content } };
  } catch (error) {
    if (error instanceof HeadstartError && error.code === 'IMAGE_UNREADABLE') {
      return { reason: unreadableReason(error) };
    }
    return { reason: `it cannot be read (${reasonOf(error)})` };
  }
}

function formatOf(extension: string): string {
  if (['.jpg', '.jpeg', '.jpe', '.jfif'].includes(extension)) return 'jpeg';
  if (extension === '.apng') return 'png';
  return extension === '.tif' ? 'tiff' : extension.slice(1);
}

function sameContents(samples: readonly PlacedSample[], classes: readonly string[]) {
  const byHash = new Map<string, PlacedSample[]>();
  for (const sample of samples) {
    const group = byHash.get(sample.hash);
    if (group) group.push(sample);
    else byHash.set(sample.hash, [sample]);
  }
  const groups = [...byHash.values()].filter((group) => group.length > 1);
  const where = (kind: (group: readonly PlacedSample[]) => boolean): SameContent[] =>
    groups.filter(kind).map((group) => ({
      hash: group[0]?.hash ?? '',
      files: group.map(({ name, part, label }) => ({ name, part, class: classes[label] ?? '' })),
    }));
  return {
    duplicates: where((group) => distinct(group, (s) => `${s.part} ${s.label}`) < group.length),
    leaks: where((group) => distinct(group, (s) => s.part) > 1 && group.some(isTraining)),
    conflicts: where((group) => distinct(group, (s) => `${s.label}`) > 1),
  };
}

function isTraining({ part }: PlacedSample): boolean {
  return part === 'train';
}

function distinct<T>(items: readonly T[], key: (item: T) => string): number {
  return new Set(items.map(key)).size;
}
