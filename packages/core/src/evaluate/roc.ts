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
  return Array.from({ length: classes }, (_, k) => {
    const scores = Float32Array.from(labels, (_, i) => at(probabilities, i * classes + k));
    return areaOf(scores, (i) => at(labels, i) === k);
  });
}

function areaOf(scores: Float32Array, isPositive: (sample: number) => boolean): number | null {
  const order = Uint32Array.from(scores, (_, i) => i).sort((a, b) => at(scores, a) - at(scores, b));
  let [positives, rankSum] = [0, 0];
  for (let start = 0; start < order.length; ) {
    let end = start;
    while (end < order.length && scores[order[end] as number] === scores[order[start] as number]) {
      end++;
    }
    // Equal scores share the mean of their ranks, which count from 1.
    const rank = (start + 1 + end) / 2;
    for (let i = start; i < end; i++) {
      if (!isPositive(order[i] as number)) continue;
      positives++;
      rankSum += rank;
    }
    start = end;
  }
  const negatives = order.length - positives;
  if (positives === 0 || negatives === 0) return null;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}
