import { HeadstartError } from '../base/errors.ts';
import { type OptionsOf, seedOption, settleOptions, splitOptions } from '../options/index.ts';
import { type Grouping, groupingOf, groupsBy } from './groups.ts';
import type { Layout } from './labelled.ts';
import { splitSamples } from './split.ts';
import type { Dataset, DatasetParts, DatasetSplit, Sample } from './types.ts';
import {
  conflictWarnings,
  groupWarnings,
  leakWarnings,
  tinyClassWarning,
  unsplitWarning,
} from './warnings.ts';

/** How a folder without folders for validation and test is split. */
export type SplitSettings = OptionsOf<typeof splitOptions & typeof seedOption>;

/** A split that can be made. */
export interface CheckedSplit extends DatasetSplit {
  readonly groupsOf: Grouping | undefined;
}

/** @throws HeadstartError `USAGE` */
export function checkedSplit(settings: SplitSettings): CheckedSplit {
  const table = { ...splitOptions, ...seedOption };
  const { validationFraction, testFraction, groupBy, seed } = settleOptions(table, settings);
  if (validationFraction + testFraction >= 1) {
    throw wrongUsage(
      `The validation fraction ${validationFraction} and the test fraction ${testFraction} leave nothing to train on.`,
    );
  }
  const groupsOf = groupBy === undefined ? undefined : groupsBy(groupBy);
  return { validationFraction, testFraction, groupBy, seed, groupsOf };
}

/**
 * A test part is split off only where no folder makes the split.
 *
 * @throws HeadstartError `USAGE`
 */
export function checkSplitOfLayout(split: CheckedSplit, layout: Layout, root: string): void {
  if (split.testFraction === 0 || layout.kind === 'flat') return;
  const part = layout.validation ? 'validation' : layout.test ? 'test' : undefined;
  if (part === undefined) return;
  throw wrongUsage(
    `${root} has ${layout.table === undefined ? 'a folder' : 'rows'} for ${part}, so no test part is split off: leave out the test fraction.`,
  );
}

function wrongUsage(message: string): HeadstartError {
  return new HeadstartError('USAGE', message);
}

/** What is in training, validation and test: after the user's folders, or split off. */
export interface PlacedParts {
  readonly train: Sample[];
  /** Undefined where the folders have no such part. */
  readonly validation: Sample[] | undefined;
  readonly test: Sample[] | undefined;
  /** Where they were split off. */
  readonly split: DatasetSplit | undefined;
  /** About the split and the groups. */
  readonly warnings: readonly string[];
}

/** Splits what the folders of a data set do not. */
export function placeParts(parts: DatasetParts, byPattern: CheckedSplit): PlacedParts {
  const { train, validation, test } = parts;
  const all = [...train, ...(validation ?? []), ...(test ?? [])];
  const split = { ...byPattern, groupsOf: groupingOf(all, byPattern.groupsOf) };
  if (!validation?.length && !test?.length) return splitFlat(parts, split);
  const { groupsOf } = split;
  const straddling = (other: readonly Sample[] | undefined, part: 'validation' | 'test') =>
    groupsOf && other ? groupWarnings(train, other, part, groupsOf) : [];
  const warnings = [...straddling(validation, 'validation'), ...straddling(test, 'test')];
  return { train, validation, test, split: undefined, warnings };
}

function splitFlat({ train: all, classes }: DatasetParts, split: CheckedSplit): PlacedParts {
  const { groupsOf, ...settings } = split;
  const parts = splitSamples(all, split);
  const warnings = [
    unsplitWarning(parts.train, parts.validation, classes, 'validation'),
    settings.testFraction > 0
      ? unsplitWarning(parts.train, parts.test, classes, 'test')
      : undefined,
    groupsOf?.(all).every((group) => group === undefined)
      ? `The pattern ${settings.groupBy} matches no path, such as ${all[0]?.name}: every image is a group of its own.`
      : undefined,
  ].filter((text) => text !== undefined);
  return { ...parts, split: settings, warnings };
}

type SplitResult = Pick<
  Dataset,
  'train' | 'validation' | 'test' | 'validationFrom' | 'split' | 'warnings' | 'sameBytes'
>;

/**
 * Makes training, validation and test of what is in the folders of a data set.
 *
 * @throws HeadstartError `DATA_LAYOUT`
 */
export function splitParts(parts: DatasetParts, split: CheckedSplit): SplitResult {
  const placed = placeParts(parts, split);
  const { train, validation = [], test = [] } = placed;
  if (placed.split && validation.length === 0) {
    throw tooFew(groupingOf(train, split.groupsOf) !== undefined);
  }
  const testValidates = !placed.split && validation.length === 0;
  const part = parts.table === undefined ? 'folder' : 'part';
  const warnings = [
    tinyClassWarning(parts.train, parts.classes),
    ...placed.warnings,
    testValidates
      ? `There is no validation ${part}, so the test ${part} validates: an accuracy on the same images that chose the best epoch is a little too good.`
      : undefined,
  ].filter((text) => text !== undefined);
  const sameBytes = conflictWarnings([...train, ...validation, ...test]);
  if (!placed.split) {
    sameBytes.push(...leakWarnings(train, validation, 'validation'));
    sameBytes.push(...leakWarnings(train, test, testValidates ? 'validation' : 'test'));
  }
  return {
    train,
    validation: testValidates ? test : validation,
    test,
    validationFrom: placed.split ? 'split' : testValidates ? 'test' : 'validation',
    split: placed.split,
    warnings: [...warnings, ...sameBytes],
    sameBytes,
  };
}

function tooFew(inGroups: boolean): HeadstartError {
  return new HeadstartError(
    'DATA_LAYOUT',
    inGroups
      ? 'There are too few groups to keep some for validation: each class needs images of two at least.'
      : 'There are too few different images to keep some for validation: add images to each class.',
  );
}
