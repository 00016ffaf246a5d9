import { extname, resolve } from 'node:path';
import { HeadstartError } from '../base/errors.ts';
import {
  checkCorrectionsWritable,
  checkedSplit,
  checkSplitOfLayout,
  compareCodePoints,
  type DataOptions,
  fewImages,
  findLayout,
  formatOfExtension,
  type HashingOptions,
  placeParts,
  readParts,
  writeCorrections,
} from '../dataset/index.ts';
import { type Content, contentsOf, type PlacedSample } from './contents.ts';
import { correctionsOf } from './corrections.ts';
import { type InspectedContents, type Inspection, inspectContents } from './inspect.ts';
import { byName, exactSamePictures, nearSamePictures } from './same-pictures.ts';
import { type NamedImage, sizeOf, traitsOf } from './traits.ts';
import type {
  CheckReport,
  ClassCount,
  MisnamedFile,
  Part,
  SamePicture,
  WarnedFile,
} from './types.ts';

export interface CheckOptions extends HashingOptions, DataOptions {
  /** Height and width of the backbone's input, which images are compared with. Default 224. */
  readonly imageSize?: number | undefined;
  /**
   * A file of corrections that leave out what has the same bytes under two classes, and the
   * training copies of what is in another part too. What it holds already stays.
   */
  readonly writeCorrections?: string | undefined;
}

/**
 * Reads and decodes every image of a folder and reports what is in it and what is wrong.
 *
 * @throws HeadstartError `DATA_LAYOUT`, `USAGE`, `CORRECTIONS_INVALID`, `OUTPUT_UNWRITABLE`;
 *   `signal.reason` where aborted
 * @example
 * ```ts
 * const { unreadable, leaks } = await checkDataset('fruit');
 * ```
 */
export async function checkDataset(root: string, options: CheckOptions = {}): Promise<CheckReport> {
  const { imageSize: inputSize = 224, writeCorrections: file } = options;
  if (!(Number.isInteger(inputSize) && inputSize > 0)) {
    throw new HeadstartError('USAGE', `The image size must be 1 or more, not ${inputSize}.`);
  }
  if (file !== undefined) await checkCorrectionsWritable(file);
  const split = checkedSplit(options);
  const layout = await findLayout(resolve(root), options);
  checkSplitOfLayout(split, layout, root);
  const parts = await readParts(layout, options);
  const { classes } = parts;
  const placed = placeParts(parts, split);
  const contents = contentsOf(placed);
  const inspected = await inspectContents(contents, options);
  const readable = contents.filter((_, i) => isReadable(inspected.inspections[i]));
  const counts = countClasses(readable, classes);
  const wholeCounts = counts.map(({ images, train }) => (placed.split ? images : train));
  const report: CheckReport = {
    root: layout.root,
    layout: layout.kind,
    classes: counts,
    images: contents.reduce((sum, { samples }) => sum + samples.length, 0),
    split: placed.split ?? null,
    corrections: parts.corrections ?? null,
    unreadable: [...parts.skipped, ...unreadableFiles(contents, inspected)].sort((a, b) =>
      compareCodePoints(a.path, b.path),
    ),
    misnamed: misnamedFiles(contents, inspected),
    warned: warnedFiles(contents, inspected),
    ...(await samePictures(contents, inspected, placed.split !== undefined, classes, options)),
    tinyClasses: counts
      .map(({ name }, i) => ({ name, count: wholeCounts[i] as number }))
      .filter(({ count }) => count < fewImages),
    imbalance: Math.max(...wholeCounts) / Math.max(1, Math.min(...wholeCounts)),
    ...picturesOf(contents, inspected, inputSize),
    inputSize,
    warnings: [...parts.warnings, ...placed.warnings],
  };
  if (file !== undefined) await writeCorrections(file, correctionsOf(report));
  return report;
}

function isReadable(inspection: Inspection | undefined): boolean {
  return inspection !== undefined && 'image' in inspection;
}

const examplesShown = 8;

function countClasses(contents: readonly Content[], classes: readonly string[]): ClassCount[] {
  const byClass = classes.map(() => [] as PlacedSample[]);
  for (const sample of contents.flatMap(({ samples }) => samples))
    byClass[sample.label]?.push(sample);
  return classes.map((name, label) => {
    const samples = byClass[label] as PlacedSample[];
    const of = (part: Part) => samples.filter((sample) => sample.part === part).length;
    const every = Math.max(1, Math.floor(samples.length / examplesShown));
    return {
      name,
      images: samples.length,
      train: of('train'),
      validation: of('validation'),
      test: of('test'),
      examples: samples
        .filter((_, i) => i % every === 0)
        .slice(0, examplesShown)
        .map((sample) => sample.name),
    };
  });
}

function unreadableFiles(contents: readonly Content[], { inspections }: InspectedContents) {
  return contents.flatMap(({ samples }, i) => {
    const inspection = inspections[i];
    if (!inspection || 'image' in inspection) return [];
    return samples.map(({ path }) => ({ path, reason: inspection.reason }));
  });
}

function misnamedFiles(
  contents: readonly Content[],
  { inspections }: InspectedContents,
): MisnamedFile[] {
  const found = contents.flatMap(({ samples }, i) => {
    const inspection = inspections[i];
    if (!inspection || !('image' in inspection)) return [];
    const content = inspection.image.format;
    return samples
      .map(({ name }) => ({ name, extension: extname(name).toLowerCase(), content }))
      .filter(({ extension }) => formatOfExtension(extension) !== content);
  });
  return found.sort((a, b) => compareCodePoints(a.name, b.name));
}

function warnedFiles(
  contents: readonly Content[],
  { inspections }: InspectedContents,
): WarnedFile[] {
  const found = contents.flatMap(({ samples }, i) => {
    const inspection = inspections[i];
    if (!inspection || !('image' in inspection) || inspection.warning === undefined) return [];
    const { warning } = inspection;
    return samples.map(({ name }) => ({ name, warning }));
  });
  return found.sort((a, b) => compareCodePoints(a.name, b.name));
}

async function samePictures(
  contents: readonly Content[],
  inspected: InspectedContents,
  acrossParts: boolean,
  classes: readonly string[],
  options: CheckOptions,
) {
  const readable = contents.filter((_, i) => isReadable(inspected.inspections[i]));
  const exact = exactSamePictures(readable, { classes });
  const { signal, onProgress } = options;
  const near = await nearSamePictures(contents, inspected.fingerprints, {
    classes,
    acrossParts,
    signal,
    onProgress,
  });
  const merged = (kind: keyof typeof near) => [...exact[kind], ...near[kind]].sort(worstFirst);
  return {
    conflicts: merged('conflicts'),
    leaks: merged('leaks'),
    duplicates: merged('duplicates'),
  };
}

/** The same bytes before near duplicates, large groups before small ones, then the most alike. */
function worstFirst(a: SamePicture, b: SamePicture): number {
  return (
    Number(b.exact) - Number(a.exact) ||
    b.files.length - a.files.length ||
    b.similarity - a.similarity ||
    byName(a.files[0], b.files[0])
  );
}

function picturesOf(
  contents: readonly Content[],
  { inspections, fingerprints }: InspectedContents,
  inputSize: number,
) {
  const images: NamedImage[] = contents.flatMap(({ samples }, i) => {
    const inspection = inspections[i];
    if (!inspection || !('image' in inspection)) return [];
    const { image } = inspection;
    return samples.map(({ name }) => ({ name, image, blank: !fingerprints.isPicture(i) }));
  });
  return { size: sizeOf(images), traits: traitsOf(images, inputSize) };
}
