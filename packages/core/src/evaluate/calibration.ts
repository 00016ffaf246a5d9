import {
  at,
  type Classification,
  checkClassification,
  predictedClasses,
} from './classification.ts';

/** Samples whose highest probability lies in (lower, upper]. */
export interface ReliabilityBin {
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
  /** Mean highest probability; null in an empty bin. */
  readonly confidence: number | null;
  /** Share classified correctly; null in an empty bin. */
  readonly accuracy: number | null;
}

export const reliabilityBinCount = 15;

/**
 * Equal-width bins of confidence, as in a reliability diagram (Guo, Pleiss, Sun, Weinberger, "On
 * Calibration of Modern Neural Networks", ICML 2017, section 2).
 */
export function reliabilityBins(
  classification: Classification,
  bins = reliabilityBinCount,
): ReliabilityBin[] {
  checkClassification(classification);
  const { probabilities, labels, classes } = classification;
  const sums = Array.from({ length: bins }, () => ({ count: 0, confidence: 0, correct: 0 }));
  predictedClasses(classification).forEach((predicted, i) => {
    const confidence = at(probabilities, i * classes + predicted);
    const place = Math.min(bins, Math.max(1, Math.ceil(confidence * bins))) - 1;
    const bin = sums[place] as (typeof sums)[number];
    bin.count++;
    bin.confidence += confidence;
    if (predicted === at(labels, i)) bin.correct++;
  });
  return sums.map(({ count, confidence, correct }, i) => ({
    lower: i / bins,
    upper: (i + 1) / bins,
    count,
    confidence: count === 0 ? null : confidence / count,
    accuracy: count === 0 ? null : correct / count,
  }));
}

/**
 * Expected calibration error: the mean distance between confidence and accuracy over the bins,
 * weighted by their samples (Naeini, Cooper, Hauskrecht, "Obtaining Well Calibrated Probabilities
 * Using Bayesian Binning", AAAI 2015).
 */
export function expectedCalibrationError(bins: readonly ReliabilityBin[]): number {
  const total = bins.reduce((sum, bin) => sum + bin.count, 0);
  return bins.reduce((sum, { count, confidence, accuracy }) => {
    if (confidence === null || accuracy === null) return sum;
    return sum + (count / total) * Math.abs(confidence - accuracy);
  }, 0);
}

/** Mean of the samples' highest probabilities. */
export function meanConfidence(bins: readonly ReliabilityBin[]): number {
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  return bins.reduce((sum, { count, confidence }) => sum + (count / total) * (confidence ?? 0), 0);
}
