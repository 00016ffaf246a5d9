import { at, type Classification, checkClassification } from './classification.ts';

/** Temperatures beyond these mean probabilities without information, or perfect ones. */
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
 * @param classification of samples that were not trained on, with probabilities above zero; of more
 *   than 2^23 probabilities, samples at even distances are taken
 */
export function fitTemperature(classification: Classification): number {
  checkClassification(classification);
  const all = classification.labels.length;
  const { probabilities, labels, classes } = spread(classification);
  const logits = probabilities.map((p) => Math.log(Math.max(leastProbability, p)));
  const own = all / (all + classes);
  const targets = mean(labels.length, (i) => {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    return own * at(row, at(labels, i)) + ((1 - own) / classes) * row.reduce((a, b) => a + b, 0);
  });
  const slope = (inverse: number) => slopeAt(logits, classes, inverse, targets);
  return Math.min(highest, Math.max(lowest, 1 / rootOf(slope, 1 / highest, 1 / lowest)));
}

/** More do not move one number that is fitted, and cost seconds. */
const mostProbabilities = 2 ** 23;

/** All samples, or as many as are enough: from the first to the last, at even distances. */
function spread(all: Classification): Classification {
  const { probabilities, labels, classes } = all;
  const count = Math.max(1, Math.floor(mostProbabilities / classes));
  if (labels.length <= count) return all;
  const sampleOf = (i: number) => Math.floor((i * labels.length) / count);
  const rows = new Float32Array(count * classes);
  for (let i = 0; i < count; i++) {
    const start = sampleOf(i) * classes;
    rows.set(probabilities.subarray(start, start + classes), i * classes);
  }
  const own = Int32Array.from({ length: count }, (_, i) => at(labels, sampleOf(i)));
  return { probabilities: rows, labels: own, classes };
}

/** Probabilities as the temperature makes them: [samples x classes]. */
export function withTemperature(
  probabilities: Float32Array,
  classes: number,
  temperature: number,
): Float32Array {
  if (temperature === 1) return probabilities;
  const result = new Float32Array(probabilities.length);
  const logits = new Float32Array(classes);
  const powers = new Float64Array(classes);
  for (let start = 0; start < probabilities.length; start += classes) {
    for (let k = 0; k < classes; k++) logits[k] = Math.log(at(probabilities, start + k));
    const sum = setPowers(powers, logits, 0, 1 / temperature);
    for (let k = 0; k < classes; k++) result[start + k] = at(powers, k) / sum;
  }
  return result;
}

/** The first and the second derivative of the mean loss by the inverse temperature. */
function slopeAt(logits: Float32Array, classes: number, inverse: number, targets: number) {
  const samples = logits.length / classes;
  const powers = new Float64Array(classes);
  let [first, second] = [-targets, 0];
  for (let start = 0; start < logits.length; start += classes) {
    const sum = setPowers(powers, logits, start, inverse);
    let [weighted, squares] = [0, 0];
    for (let k = 0; k < classes; k++) {
      const power = at(powers, k);
      const logit = at(logits, start + k);
      weighted += power * logit;
      squares += power * logit * logit;
    }
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

/**
 * exp(inverse * logit) over the largest, of one row of logits.
 *
 * @returns their sum
 */
function setPowers(
  powers: Float64Array,
  logits: Float32Array,
  start: number,
  inverse: number,
): number {
  let largest = at(logits, start);
  for (let k = 1; k < powers.length; k++) {
    const logit = at(logits, start + k);
    if (logit > largest) largest = logit;
  }
  let sum = 0;
  for (let k = 0; k < powers.length; k++) {
    const power = Math.exp(inverse * (at(logits, start + k) - largest));
    powers[k] = power;
    sum += power;
  }
  return sum;
}

function mean(count: number, value: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += value(i);
  return sum / count;
}
