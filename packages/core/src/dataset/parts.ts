import { join, resolve, sep } from 'node:path';
import { HeadstartError } from '../base/errors.ts';
import { plural } from '../base/plural.ts';
import { correctParts } from './correct-parts.ts';
import { type CorrectionOptions, openCorrections } from './corrections.ts';
import { isPictureName } from './extensions.ts';
import { type HashingOptions, hashFiles } from './hash.ts';
import type { ClassFolder, ImagePlaces, LabelledFolder, Layout } from './labelled.ts';
import { layoutError, list } from './layout-error.ts';
import { compareCodePoints } from './order.ts';
import { tableError } from './table-rows.ts';
import type { DatasetParts, Sample, SkippedFile } from './types.ts';
import { missingClassWarning } from './warnings.ts';

/** Hashes all files of a layout, checks that the classes of its folders agree, and corrects them. */
export async function readParts(
  layout: Layout,
  options: HashingOptions & CorrectionOptions,
): Promise<DatasetParts> {
  const corrections = await openCorrections(options);
  const folders = layout.kind === 'flat' ? { train: layout.all } : layout;
  const training = folders.train;
  const classes = training.classes.map(({ name }) => name);
  checkClassCount(training, layout);
  const warnings = layout.kind === 'split' ? [...layout.warnings] : [];
  const parts: Record<'train' | 'validation' | 'test', ClassFolder[] | undefined> = {
    train: [...training.classes],
    validation: undefined,
    test: undefined,
  };
  warnings.push(...training.warnings);
  const skipped = [...training.skipped];
  if (layout.kind === 'split') {
    for (const name of ['validation', 'test'] as const) {
      const folder = layout[name];
      if (!folder) continue;
      warnings.push(...folder.warnings);
      skipped.push(...folder.skipped);
      if (folder.classes.length === 0) warnings.push(`${folder.path} holds no images.`);
      else parts[name] = matchClasses(folder, classes, { warnings, table: layout.table });
    }
  }
  const hashed = await hashParts(layout, classes, parts, options);
  if (hashed.train.length === 0) {
    throw layoutError(`None of the files in ${training.path} can be read`, layout.root);
  }
  skipped.push(...hashed.skipped);
  skipped.sort((a, b) => compareCodePoints(a.path, b.path));
  const { table } = layout;
  const uncorrected = { ...hashed, table, classes, skipped, corrections: undefined, warnings };
  return corrections ? correctParts(uncorrected, corrections) : uncorrected;
}

function checkClassCount(folder: LabelledFolder, layout: Layout): void {
  const { classes, path, skipped } = folder;
  if (classes.length >= 2) return;
  if (layout.table !== undefined) {
    const what = `has the label ${classes[0]?.name} alone${leftOut(skipped)}: images of two at least are needed`;
    throw tableError(path, what);
  }
  const found =
    classes.length === 1
      ? `${path} has only one class, ${classes[0]?.name}`
      : `${path} has no class folders with images${leftOut(skipped)}`;
  throw layoutError(found, layout.kind === 'flat' ? path : resolve(path, '..'));
}

/** Why the files of a folder are not images, where there are any. */
export function leftOut(skipped: readonly SkippedFile[]): string {
  const first = skipped.find(({ path }) => isPictureName(path)) ?? skipped[0];
  if (!first) return '';
  const files = plural(skipped.length, 'file is', 'files are');
  return ` (${files} left out, for example ${first.path}: ${first.reason})`;
}

function matchClasses(
  folder: LabelledFolder,
  classes: readonly string[],
  { warnings, table }: { warnings: string[]; readonly table: string | undefined },
): ClassFolder[] {
  const unknown = folder.classes.map(({ name }) => name).filter((name) => !classes.includes(name));
  if (unknown.length > 0) {
    throw new HeadstartError(
      'DATA_LAYOUT',
      `${folder.path} has classes that the training ${table === undefined ? 'folder does' : 'rows do'} not have: ${list(unknown)} (it has ${list(classes)}). Rename or remove them.`,
    );
  }
  const warning = missingClassWarning(folder, classes);
  if (warning) warnings.push(warning);
  return [...folder.classes];
}

/** SHA-256 of the files of all parts, as samples in code point order of their names. */
export async function hashParts(
  { root, groups }: ImagePlaces,
  classes: readonly string[],
  parts: Readonly<Record<'train' | 'validation' | 'test', ClassFolder[] | undefined>>,
  { hashFiles: hash = hashFiles, ...options }: HashingOptions,
) {
  const files = Object.entries(parts).flatMap(([part, folders]) =>
    (folders ?? []).flatMap(({ name, images }) =>
      images.map((path) => ({ part, path, label: classes.indexOf(name) })),
    ),
  );
  const hashes = await hash(
    files.map(({ path }) => path),
    options,
  );
  // With a separator at its end, as every path below it begins.
  const start = join(root, sep);
  const nameOf = (path: string) => {
    // A table may name images that are elsewhere.
    const name = path.startsWith(start) ? path.slice(start.length) : path;
    return sep === '/' ? name : name.split(sep).join('/');
  };
  const samples: Record<string, Sample[]> = { train: [], validation: [], test: [] };
  const skipped: SkippedFile[] = [];
  files.forEach(({ part, path, label }, i) => {
    const result = hashes[i] as (typeof hashes)[number];
    if ('reason' in result) skipped.push({ path, reason: result.reason });
    else {
      const group = groups?.get(path);
      const sample = { path, name: nameOf(path), label, hash: result.hash };
      samples[part]?.push(group === undefined ? sample : { ...sample, group });
    }
  });
  for (const list of Object.values(samples)) list.sort((a, b) => compareCodePoints(a.name, b.name));
  const { train = [], validation, test } = samples;
  return {
    train,
    validation: parts.validation && validation,
    test: parts.test && test,
    skipped,
  };
}
