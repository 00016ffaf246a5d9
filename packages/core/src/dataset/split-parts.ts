import { HeadstartError } from '../errors.ts';
import { type GroupOf, groupsBy } from './groups.ts';
import type { DatasetParts } from './parts.ts';
import { splitSamples } from './split.ts';
import type { Dataset, DatasetSplit, Sample } from './types.ts';
import { groupWarnings, leakWarnings, tinyClassWarning, unsplitWarning } from './warnings.ts';

/** How a folder without folders for validation and test is split. */
export interface SplitSettings {
  /** Share of each class that validates where there is no validation folder. Default 0.2. */
  readonly validationFraction?: number | undefined;
  /** Share of each class that is kept for testing; for flat folders only. Default 0. */
  readonly testFraction?: number | undefined;
  /**
   * A regular expression on the path relative to the data: images for which its first parentheses
   * (or all of it) match the same are never apart.
   */
  readonly groupBy?: string | undefined;
  /** Of the split. Default 0. */
  readonly seed?: number | undefined;
}

/** A split that can be made. */
export interface CheckedSplit extends DatasetSplit {
  readonly groupOf: GroupOf | undefined;
}

/** @throws HeadstartError `USAGE` */
export function checkedSplit(settings: SplitSettings): CheckedSplit {
  const { validationFraction = 0.2, testFraction = 0, groupBy, seed = 0 } = settings;
  if (!(validationFraction > 0 && validationFraction < 1)) {
    throw wrongUsage(
      `The validation fraction must lie between 0 and 1, not be ${validationFraction}.`,
    );
  }
  if (!(testFraction >= 0 && testFraction < 1)) {
    throw wrongUsage(`The test fraction must be 0 or more and below 1, not ${testFraction}.`);
  }
  if (validationFraction + testFraction >= 1) {
    throw wrongUsage(
      `The validation fraction ${validationFraction} and the test fraction ${testFraction} leave nothing to train on.`,
    );
  }
  const groupOf = groupBy === undefined ? undefined : groupsBy(groupBy);
  return { validationFraction, testFraction, groupBy, seed, groupOf };
}

function wrongUsage(message: string): HeadstartError {
  return new HeadstartError('USAGE', message);
}

type SplitResult = Pick<
  Dataset,
  'train' | 'validation' | 'test' | 'validationFrom' | 'split' | 'warnings'
>;

/**
 * Makes training, validation and test of what is in the folders of a data set.
 *
 * @throws HeadstartError `DATA_LAYOUT`, `USAGE`
 */
export function splitParts(parts: DatasetParts, split: CheckedSplit, root: string): SplitResult {
  const { train, validation, test, classes } = parts;
  if (!validation?.length && !test?.length) return splitFlat(parts, split);
  if (split.testFraction > 0) {
    throw wrongUsage(
      `${root} has a folder for ${validation?.length ? 'validation' : 'test'}, so no test part is split off: leave out the test fraction.`,
    );
  }
  const tiny = tinyClassWarning(train, classes);
  const warnings = tiny === undefined ? [] : [tiny];
  const compare = (other: readonly Sample[], part: 'validation' | 'test') => {
    warnings.push(...leakWarnings(train, other, part));
    if (split.groupOf) warnings.push(...groupWarnings(train, other, part, split.groupOf));
  };
  if (validation?.length) {
    compare(validation, 'validation');
    if (test) compare(test, 'test');
    const from = { validationFrom: 'validation', split: undefined } as const;
    return { train, validation, test: test ?? [], ...from, warnings };
  }
  const validating = test ?? [];
  warnings.push(
    'There is no validation folder, so the test folder validates: an accuracy on the same images that chose the best epoch is a little too good.',
  );
  compare(validating, 'validation');
  const from = { validationFrom: 'test', split: undefined } as const;
  return { train, validation: validating, test: validating, ...from, warnings };
}

function splitFlat({ train: all, classes }: DatasetParts, split: CheckedSplit): SplitResult {
  const { groupOf, ...settings } = split;
  const parts = splitSamples(all, split);
  if (parts.validation.length === 0) {
    throw new HeadstartError(
      'DATA_LAYOUT',
      groupOf
        ? 'There are too few groups to keep some for validation: each class needs images of two at least.'
        : 'There are too few different images to keep some for validation: add images to each class.',
    );
  }
  const warnings = [
    tinyClassWarning(all, classes),
    unsplitWarning(parts.train, parts.validation, classes, 'validation'),
    settings.testFraction > 0
      ? unsplitWarning(parts.train, parts.test, classes, 'test')
      : undefined,
    groupOf && !all.some((sample) => groupOf(sample) !== undefined)
      ? `The pattern ${settings.groupBy} matches no path, such as ${all[0]?.name}: every image is a group of its own.`
      : undefined,
  ].filter((text) => text !== undefined);
  return { ...parts, validationFrom: 'split', split: settings, warnings };
}
