import { at, type Classification, checkClassification } from './classification.ts';

/**
 * Area under the ROC curve of each class against the rest: how often a sample of the class has a
 * higher probability of it than one of another class, equal ones counting half (the Mann-Whitney
 * statistic; Hanley and McNeil, Radiology 143, 1982; scikit-learn's `roc_auc_score`, `ovr`).
 *
 * @returns by class; null where all samples are of it, or none
 */
export function rocAreas(classification: Classification): (number | null)[] {
  checkClassification(classification);
  const { probabilities, labels, classes } = classification;
  const own = ownProbabilities(classification);
  // Pairs of a sample of the class and one of another in the right order, times two.
  const halves = new Float64Array(classes);
  labels.forEach((label, i) => {
    for (let k = 0; k < classes; k++) {
      if (k === label) continue;
      const positives = own[k] as Float32Array;
      const p = at(probabilities, i * classes + k);
      const above = positives.length - countUntil(positives, (q) => q > p);
      const equalOrAbove = positives.length - countUntil(positives, (q) => q >= p);
      halves[k] = at(halves, k) + above + equalOrAbove;
    }
  });
  return own.map(({ length }, k) => {
    const negatives = labels.length - length;
    if (length === 0 || negatives === 0) return null;
    return at(halves, k) / 2 / (length * negatives);
  });
}

/** Of each class, the probabilities that its own samples have of it, ascending. */
function ownProbabilities({ probabilities, labels, classes }: Classification): Float32Array[] {
  const own = Array.from({ length: classes }, (): number[] => []);
  labels.forEach((label, i) => {
    own[label]?.push(at(probabilities, i * classes + label));
  });
  return own.map((numbers) => Float32Array.from(numbers).sort());
}

/** How many of the numbers come before the first that has passed; once one has, all do. */
function countUntil(ascending: Float32Array, passed: (n: number) => boolean): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (passed(at(ascending, middle))) high = middle;
    else low = middle + 1;
  }
  return low;
}
