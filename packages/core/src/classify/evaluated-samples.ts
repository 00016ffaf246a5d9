import { resolve } from 'node:path';
import { HeadstartError } from '../base/errors.ts';
import type { LongOperationOptions } from '../base/operation.ts';
import {
  type CorrectionOptions,
  type Dataset,
  findLayout,
  type LabelledImages,
  type Layout,
  scanLabelled,
  scanLayout,
  type TableOptions,
  tableOptionsOf,
} from '../dataset/index.ts';
import { announceCorrections, cachedScan, type HashingCacheOptions } from '../features/index.ts';
import { optionsOfRun, type Run } from '../run/index.ts';

export type SplitChoice = 'train' | 'validation' | 'test' | 'all';

/** Which images a run is measured on. */
export interface EvaluatedData
  extends CorrectionOptions,
    TableOptions,
    LongOperationOptions,
    HashingCacheOptions {
  /** Labelled folder, folder with `train/` and other splits, or table. */
  readonly data: string;
  /**
   * Of a folder with splits; default `test` where there is one, else `validation`. Of a folder
   * without, its parts as the run's training split it; default all.
   */
  readonly split?: SplitChoice | undefined;
}

/**
 * The labelled images that a run is measured on, with the run's labels.
 *
 * @throws HeadstartError `DATA_LAYOUT`, `USAGE`, `CORRECTIONS_INVALID`
 */
export async function samplesToEvaluate(
  run: Run,
  given: EvaluatedData,
): Promise<Pick<LabelledImages, 'samples' | 'skipped'>> {
  const options = { ...given, ...tableOptionsFor(run, given) };
  const { data, split, onNotice } = options;
  const layout = await findLayout(resolve(data), options);
  if (layout.kind === 'flat' && (split === undefined || split === 'all')) {
    const { root, validationFrom } = run.record.data;
    if (validationFrom === 'split' && resolve(root) === resolve(data)) {
      onNotice?.({ level: 'warning', text: trainedOnWarning });
    }
    const labelled = await scanLabelled(data, run.record.classes, cachedScan(options), layout);
    announceCorrections(labelled, onNotice);
    return labelled;
  }
  const dataset = await scanAsRun(run, layout, options);
  const labels = relabel(dataset.classes, run, data);
  const chosen = split ?? (dataset.test.length > 0 ? 'test' : 'validation');
  const parts = { ...dataset, all: [...dataset.train, ...dataset.validation] };
  if (dataset.validationFrom !== 'test') parts.all.push(...dataset.test);
  const samples = parts[chosen].map((sample) => ({
    ...sample,
    label: labels[sample.label] as number,
  }));
  if (samples.length === 0) {
    throw new HeadstartError(
      'USAGE',
      `${data} has no ${chosen} images: choose another \`split\`.`,
      { option: 'split' },
    );
  }
  return { samples, skipped: dataset.skipped };
}

/** How a table is read: as is said, and the one that the run was trained on as it was read then. */
export function tableOptionsFor(run: Run, options: EvaluatedData): TableOptions {
  const same = resolve(run.record.data.root) === resolve(options.data);
  const recorded = same ? tableOptionsOf(optionsOfRun(run.record)) : {};
  return { ...recorded, ...tableOptionsOf(options) };
}

const trainedOnWarning =
  'most of these images were used to train the run: `split` validation (or test) measures it on the others.';

/** Scans a folder; where it must be split, the same images come to the same parts as at training. */
async function scanAsRun(run: Run, layout: Layout, options: EvaluatedData): Promise<Dataset> {
  const { data, onNotice } = options;
  const hasParts = layout.kind === 'split' && (layout.validation ?? layout.test) !== undefined;
  if (hasParts) {
    const dataset = await scanLayout(data, layout, cachedScan(options));
    announceCorrections(dataset, onNotice);
    return dataset;
  }
  const { split, corrections } = run.record.data;
  if (!split) {
    throw new HeadstartError(
      'USAGE',
      `${data} has no part for validation or test, and the run records no split: leave out \`split\`.`,
      { option: 'split' },
    );
  }
  const dataset = await scanLayout(data, layout, { ...cachedScan(options), ...split });
  announceCorrections(dataset, onNotice);
  if (corrections?.sha256 !== dataset.corrections?.sha256) {
    const text = corrections
      ? `the run was trained with the corrections in ${corrections.file}: with others, images that it has seen may be among these.`
      : 'the run was trained without these corrections: images that it has seen may be among these.';
    onNotice?.({ level: 'warning', text });
  }
  return dataset;
}

/** The run's label of each class of the data. */
export function relabel(names: readonly string[], run: Run, data: string): number[] {
  const { classes } = run.record;
  const known = classes.map((name) => name.normalize());
  return names.map((name) => {
    const label = known.indexOf(name);
    if (label >= 0) return label;
    throw new HeadstartError(
      'DATA_LAYOUT',
      `${data} has the class "${name}", which the run does not have (${classes.join(', ')}).`,
    );
  });
}
