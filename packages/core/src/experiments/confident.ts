/** Out-of-sample probabilities of labelled samples. */
export interface Predictions {
  /** [samples x classes] */
  readonly probabilities: Float64Array;
  readonly labels: Int32Array;
  readonly classes: number;
}

export interface ConfidentLabels {
  /**
   * Estimated number of samples by given class (row) and true class, scaled so that rows have the
   * counts of the given classes: the confident joint.
   */
  readonly joint: readonly (readonly number[])[];
  /** Samples that it takes for mislabelled. */
  readonly suspicious: ReadonlySet<number>;
  /** p(given class) of each sample, its self-confidence: the lower, the more suspicious. */
  readonly confidences: Float64Array;
  /** The most probable class besides the given one. */
  readonly suggestions: Int32Array;
}

/**
 * Confident learning (C. Northcutt, L. Jiang and I. Chuang, "Confident learning: estimating
 * uncertainty in dataset labels", JAIR 70, 2021): a sample counts for a class where its probability
 * is at least the mean of that class's own samples; counts by given and by such class estimate how
 * many labels of each class are really of each other, and so many, those of the largest difference
 * between the two, are suspicious ("prune by noise rate"), if they are more likely of the other.
 */
export function confidentLabels(predictions: Predictions): ConfidentLabels {
  const { labels } = predictions;
  const joint = confidentJoint(predictions);
  const { confidences, suggestions } = confidencesOf(predictions);
  const suspicious = new Set<number>();
  joint.forEach((row, given) => {
    row.forEach((count, other) => {
      if (other === given) return;
      const difference = (i: number) => at(predictions, i, other) - at(predictions, i, given);
      const candidates = [...labels.keys()].filter((i) => labels[i] === given);
      const worst = candidates.sort((a, b) => difference(b) - difference(a));
      for (const i of worst.slice(0, Math.round(count))) if (difference(i) > 0) suspicious.add(i);
    });
  });
  return { joint, suspicious, confidences, suggestions };
}

function at({ probabilities, classes }: Predictions, i: number, k: number): number {
  return probabilities[i * classes + k] as number;
}

function confidentJoint(predictions: Predictions): number[][] {
  const { labels, classes } = predictions;
  const thresholds = selfConfidences(predictions);
  const table = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  const sizes = new Array<number>(classes).fill(0);
  labels.forEach((given, i) => {
    sizes[given] = (sizes[given] as number) + 1;
    let best = -1;
    for (let k = 0; k < classes; k++) {
      if (at(predictions, i, k) < (thresholds[k] as number)) continue;
      if (best < 0 || at(predictions, i, k) > at(predictions, i, best)) best = k;
    }
    if (best < 0) return;
    const row = table[given] as number[];
    row[best] = (row[best] as number) + 1;
  });
  return table.map((row, given) => {
    const total = row.reduce((a, b) => a + b, 0);
    return row.map((n) => (total === 0 ? 0 : (n * (sizes[given] as number)) / total));
  });
}

/** The mean probability of each class over the samples that are given it; 1 where there are none. */
function selfConfidences(predictions: Predictions): number[] {
  const { labels, classes } = predictions;
  const sums = new Array<number>(classes).fill(0);
  const counts = new Array<number>(classes).fill(0);
  labels.forEach((given, i) => {
    sums[given] = (sums[given] as number) + at(predictions, i, given);
    counts[given] = (counts[given] as number) + 1;
  });
  return sums.map((sum, k) => (counts[k] ? sum / (counts[k] as number) : 1));
}

function confidencesOf(
  predictions: Predictions,
): Pick<ConfidentLabels, 'confidences' | 'suggestions'> {
  const { labels, classes } = predictions;
  const confidences = Float64Array.from(labels, (given, i) => at(predictions, i, given));
  const suggestions = new Int32Array(labels.length);
  labels.forEach((given, i) => {
    let best = given === 0 ? 1 : 0;
    for (let k = 0; k < classes; k++) {
      if (k !== given && at(predictions, i, k) > at(predictions, i, best)) best = k;
    }
    suggestions[i] = best;
  });
  return { confidences, suggestions };
}
