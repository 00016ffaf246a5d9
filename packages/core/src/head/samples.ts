import { HeadstartError } from '../base/errors.ts';
import type { FeatureSet } from '../features/index.ts';

/**
 * The labels of a set, in order.
 *
 * @param what `training` or `validation`, for messages
 * @throws HeadstartError `USAGE` for an empty set, `FEATURE_FILE_INVALID` for a label that is not a class
 */
export function labelsOf(
  set: Pick<FeatureSet, 'samples'>,
  classes: number,
  what: string,
): Int32Array {
  if (set.samples.length === 0) {
    throw new HeadstartError('USAGE', `There are no ${what} samples: add images to the data.`);
  }
  return Int32Array.from(set.samples, ({ label, name }) => {
    if (Number.isInteger(label) && label >= 0 && label < classes) return label;
    throw new HeadstartError(
      'FEATURE_FILE_INVALID',
      `The ${what} sample ${name} has the label ${label}, but labels go from 0 to ${classes - 1}.`,
    );
  });
}

/**
 * Indices of samples as they were named, or all.
 *
 * @param option its name, for messages
 * @throws HeadstartError `USAGE`
 */
export function chosenSamples(
  option: string,
  chosen: Int32Array | undefined,
  count: number,
): Int32Array {
  if (!chosen) return Int32Array.from({ length: count }, (_, i) => i);
  if (chosen.length === 0) {
    throw new HeadstartError('USAGE', `The option ${option} must name at least one sample.`);
  }
  const wrong = chosen.find((sample) => sample < 0 || sample >= count);
  if (wrong === undefined) return chosen;
  throw new HeadstartError(
    'USAGE',
    `The option ${option} names the sample ${wrong}, but there are ${count}.`,
  );
}

/** Row 0 of each sample: its plain image. */
export function plainRows(set: FeatureSet): Int32Array {
  return Int32Array.from(set.samples, ({ rows, name }) => checkedRow(set, rows[0], name));
}

/**
 * Finds the row of a sample's view.
 *
 * @param plan the views that the rows of each sample are, from `planViews`
 * @throws HeadstartError `USAGE` where the rows do not follow the plan
 */
export function rowFinder(set: FeatureSet, plan: readonly (readonly number[])[]) {
  const rows = set.samples.map((sample, i) => {
    const views = plan[i] as readonly number[];
    if (sample.rows.length < views.length) {
      throw new HeadstartError(
        'USAGE',
        `The training sample ${sample.name} has ${sample.rows.length} of the ${views.length} views ` +
          'that the schedule draws: extract the views that planViews names for these options.',
      );
    }
    return new Map(views.map((view, k) => [view, checkedRow(set, sample.rows[k], sample.name)]));
  });
  return (sample: number, view: number): number => rows[sample]?.get(view) as number;
}

function checkedRow(set: FeatureSet, row: number | undefined, name: string): number {
  if (row !== undefined && Number.isInteger(row) && row >= 0 && row < set.rowCount) return row;
  throw new HeadstartError(
    'FEATURE_FILE_INVALID',
    `The sample ${name} points at the feature row ${row}, but there are ${set.rowCount}.`,
  );
}

/**
 * Weights by class, so that every class counts the same: n / (K * count), as scikit-learn's
 * `class_weight="balanced"` (after King and Zeng, "Logistic Regression in Rare Events Data", 2001).
 * A class without samples has weight 1, which nothing uses.
 */
export function balancedClassWeights(labels: Int32Array, classes: number): Float32Array {
  const counts = new Float64Array(classes);
  for (const label of labels) counts[label] = (counts[label] as number) + 1;
  return Float32Array.from(counts, (n) => (n === 0 ? 1 : labels.length / (classes * n)));
}
