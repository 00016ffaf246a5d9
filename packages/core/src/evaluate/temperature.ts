import { at, type Classification, checkClassification } from './classification.ts';

/** Temperatures beyond these say that the probabilities are no evidence at all, or perfect. */
const [lowest, highest] = [0.05, 20];

/** Below the smallest normal float32, where a probability came out as zero. */
const leastProbability = 2 ** -126;

/**
 * The temperature that calibrates probabilities: logits divided by it fit the labels best (Guo,
 * Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, section 4.2).
 * Above 1, the classifier was too sure. Labels stay what they are.
 *
 * As in Platt's method (1999), a sample's own class counts (n + 1) / (n + K) and each other class
 * 1 / (n + K), for n samples and K classes: a classifier that makes no mistake on n samples is not
 * taken for one that never will, and few samples move the temperature little beyond what they show.
 *
 * @param classification of samples that were not trained on, with probabilities above zero
 */
export function fitTemperature(classification: Classification): number {
  checkClassification(classification);
  const { probabilities, labels, classes } = classification;
  const logits = Float32Array.from(probabilities, (p) => Math.log(Math.max(leastProbability, p)));
  const own = labels.length / (labels.length + classes);
  const targets = mean(labels.length, (i) => {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    return own * at(row, at(labels, i)) + ((1 - own) / classes) * row.reduce((a, b) => a + b, 0);
  });
  const slope = (inverse: number) => slopeAt(logits, classes, inverse, targets);
  return Math.min(highest, Math.max(lowest, 1 / rootOf(slope, 1 / highest, 1 / lowest)));
}

/** Probabilities as the temperature makes them: [samples x classes]. */
export function withTemperature(
  probabilities: Float32Array,
  classes: number,
  temperature: number,
): Float32Array {
  if (temperature === 1) return probabilities;
  const result = new Float32Array(probabilities.length);
  for (let start = 0; start < probabilities.length; start += classes) {
    const row = probabilities.subarray(start, start + classes);
    const powers = powersOf(row.map(Math.log), 1 / temperature);
    const sum = powers.reduce((a, b) => a + b, 0);
    result.set(
      powers.map((power) => power / sum),
      start,
    );
  }
  return result;
}

/** The first and the second derivative of the mean loss by the inverse temperature. */
function slopeAt(logits: Float32Array, classes: number, inverse: number, targets: number) {
  const samples = logits.length / classes;
  let [first, second] = [-targets, 0];
  for (let start = 0; start < logits.length; start += classes) {
    const row = logits.subarray(start, start + classes);
    const powers = powersOf(row, inverse);
    let [sum, weighted, squares] = [0, 0, 0];
    powers.forEach((power, k) => {
      const logit = at(row, k);
      sum += power;
      weighted += power * logit;
      squares += power * logit * logit;
    });
    const expected = weighted / sum;
    first += expected / samples;
    second += (squares / sum - expected * expected) / samples;
  }
  return { first, second };
}

/** Newton's method, kept inside a bracket that shrinks. The loss is convex: its slope rises. */
function rootOf(
  slope: (inverse: number) => { readonly first: number; readonly second: number },
  low: number,
  high: number,
): number {
  let inverse = 1;
  for (let i = 0; i < 60; i++) {
    const { first, second } = slope(inverse);
    if (first === 0) break;
    if (first > 0) high = inverse;
    else low = inverse;
    const newton = inverse - first / second;
    const next = newton > low && newton < high ? newton : Math.sqrt(low * high);
    const moved = Math.abs(next - inverse);
    inverse = next;
    if (moved < 1e-7 * inverse) break;
  }
  return inverse;
}

/** exp(inverse * logit), over the largest. */
function powersOf(logits: Float32Array, inverse: number): Float64Array {
  const largest = logits.reduce((a, b) => Math.max(a, b));
  return Float64Array.from(logits, (logit) => Math.exp(inverse * (logit - largest)));
}

function mean(count: number, value: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += value(i);
  return sum / count;
}
