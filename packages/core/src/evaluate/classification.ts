import { HeadstartError } from '../base/errors.ts';

/** What a classifier predicted for labelled samples. */
export interface Classification {
  /** [samples x classes], row by row. */
  readonly probabilities: Float32Array;
  /** The true class of each sample. */
  readonly labels: Int32Array;
  readonly classes: number;
}

/**
 * @throws HeadstartError `USAGE` where there is no sample, or a probability is not a number; `INTERNAL` where the sizes do not agree
 */
export function checkClassification({ probabilities, labels, classes }: Classification): void {
  if (labels.length === 0) {
    throw new HeadstartError('USAGE', 'There are no labelled samples to evaluate on.');
  }
  if (probabilities.length !== labels.length * classes) {
    throw new HeadstartError(
      'INTERNAL',
      `${labels.length} samples of ${classes} classes need ${labels.length * classes} ` +
        `probabilities, not ${probabilities.length}.`,
    );
  }
  const stray = labels.find((label) => label < 0 || label >= classes);
  if (stray !== undefined) {
    throw new HeadstartError('INTERNAL', `There is a label ${stray} among ${classes} classes.`);
  }
  const bad = firstNaN(probabilities);
  if (bad >= 0) {
    throw new HeadstartError(
      'USAGE',
      `The head gives no probabilities for sample ${Math.floor(bad / classes) + 1} of ${labels.length}: ` +
        'its features are not all finite numbers.',
    );
  }
}

function firstNaN(numbers: Float32Array): number {
  for (let i = 0; i < numbers.length; i++) if (Number.isNaN(numbers[i])) return i;
  return -1;
}

/** The most probable class of each sample; the lowest where several are. */
export function predictedClasses({ probabilities, labels, classes }: Classification): Int32Array {
  return labels.map((_, i) => {
    let best = 0;
    for (let k = 1; k < classes; k++) {
      if (at(probabilities, i * classes + k) > at(probabilities, i * classes + best)) best = k;
    }
    return best;
  });
}

/** An element that is known to be there. */
export function at(array: Float32Array | Int32Array | Float64Array, index: number): number {
  return array[index] as number;
}
