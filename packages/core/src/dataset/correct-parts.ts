import { HeadstartError } from '../base/errors.ts';
import { applyCorrections } from './apply-corrections.ts';
import type { Corrections } from './corrections.ts';
import { list } from './layout-error.ts';
import type { DatasetParts, Sample } from './types.ts';
import { countByClass } from './warnings.ts';

/**
 * Corrects all parts of a data set. A class whose training images were all removed or relabelled is
 * none any more.
 *
 * @throws HeadstartError `CORRECTIONS_INVALID`; `DATA_LAYOUT` where what is left is not a data set
 */
export function correctParts(before: DatasetParts, corrections: Corrections): DatasetParts {
  const { train, validation, test, classes } = before;
  const { training, others, applied } = applyCorrections(
    { classes, training: train, others: [validation, test] },
    corrections,
  );
  const warnings = [...before.warnings];
  const { path, byHash } = corrections;
  if (applied.unused > 0 && applied.unused === byHash.size) {
    warnings.push(`No correction in ${path} is of an image that is here.`);
  }
  const after = {
    ...before,
    train: training ?? [],
    validation: others[0],
    test: others[1],
    corrections: applied,
    warnings,
  };
  const countsBefore = countByClass(train, classes);
  const countsAfter = countByClass(after.train, classes);
  const emptied = classes.filter((_, i) => countsAfter[i] === 0 && countsBefore[i] !== 0);
  return emptied.length === 0 ? after : withoutClasses(after, emptied, path);
}

function withoutClasses(
  parts: DatasetParts,
  emptied: readonly string[],
  path: string,
): DatasetParts {
  const { train, validation, test, classes } = parts;
  const left = classes.filter((name) => !emptied.includes(name));
  const nameOf = ({ label }: Sample) => classes[label] as string;
  const orphan = [...(validation ?? []), ...(test ?? [])].find((s) => emptied.includes(nameOf(s)));
  if (left.length < 2 || orphan) {
    const rest = orphan ? `, but ${orphan.name} is of that class` : ': two classes are needed';
    throw new HeadstartError(
      'DATA_LAYOUT',
      `The corrections in ${path} leave no training image of ${list(emptied)}${rest}.`,
    );
  }
  const renumber = (samples: readonly Sample[]) =>
    samples.map((sample) => ({ ...sample, label: left.indexOf(nameOf(sample)) }));
  return {
    ...parts,
    classes: left,
    train: renumber(train),
    validation: validation && renumber(validation),
    test: test && renumber(test),
    warnings: [
      ...parts.warnings,
      `The corrections in ${path} leave no image of: ${list(emptied)}.`,
    ],
  };
}
