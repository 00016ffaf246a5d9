import { wilsonInterval } from './metrics.ts';

/** What was said of a sample, and whether it is right. */
interface Answer {
  readonly label: number;
  readonly predicted: number;
  readonly probability: number;
}

/** Which samples are answered: by the probability asked for, or by the error that is borne. */
export type Rejection = { readonly threshold: number } | { readonly maxError: number };

/**
 * How good the answers are where less probable ones are not given (selective classification: R.
 * El-Yaniv, Y. Wiener, "On the Foundations of Noise-free Selective Classification", JMLR 11, 2010).
 */
export interface Selective {
  /** The least probability that is answered; null where none keeps the error that was asked for. */
  readonly threshold: number | null;
  /** Samples that are answered. */
  readonly answered: number;
  /** Their share of all. */
  readonly coverage: number;
  /** The share of the answered that is wrong; null where none is answered. */
  readonly error: number | null;
  /** Wilson's 95 % interval of the error. */
  readonly interval: readonly [number, number] | null;
  /** The mean error over all coverages: the area under the risk–coverage curve. */
  readonly areaUnderCurve: number;
  /** Of more than a hundred thresholds, those at even distances of coverage. */
  readonly curve: readonly RiskPoint[];
}

/** The error where samples of at least this probability are answered. */
export interface RiskPoint {
  readonly threshold: number;
  readonly coverage: number;
  readonly error: number;
}

const curvePoints = 100;

/**
 * Measures which samples are answered and how many of these are wrong.
 *
 * With `maxError`, as many are answered as this share of wrong ones allows; the threshold is the
 * shortest number between the least probable answer and the next.
 *
 * @param answers one at least
 */
export function selectiveScores(answers: readonly Answer[], rejection: Rejection): Selective {
  const steps = stepsOf(answers);
  const total = answers.length;
  const { threshold, last } = choose(steps, rejection);
  const { answered, errors } = last ?? { answered: 0, errors: 0 };
  let [area, before] = [0, 0];
  for (const { answered: count, errors: wrong } of steps) {
    area += ((count - before) * wrong) / count;
    before = count;
  }
  return {
    threshold,
    answered,
    coverage: answered / total,
    error: answered === 0 ? null : errors / answered,
    interval: answered === 0 ? null : wilsonInterval(errors, answered),
    areaUnderCurve: area / total,
    curve: thinned(steps, total),
  };
}

/** What is answered from a probability on. */
interface Step {
  readonly probability: number;
  readonly answered: number;
  readonly errors: number;
}

/** One for each probability, the highest first: equally probable samples are answered together. */
function stepsOf(answers: readonly Answer[]): Step[] {
  const sorted = [...answers].sort((a, b) => b.probability - a.probability);
  const steps: Step[] = [];
  let errors = 0;
  sorted.forEach(({ label, predicted, probability }, i) => {
    if (label !== predicted) errors++;
    if (sorted[i + 1]?.probability === probability) return;
    steps.push({ probability, answered: i + 1, errors });
  });
  return steps;
}

function choose(steps: readonly Step[], rejection: Rejection) {
  if ('threshold' in rejection) {
    const { threshold } = rejection;
    return { threshold, last: steps.findLast(({ probability }) => probability >= threshold) };
  }
  const { maxError } = rejection;
  const at = steps.findLastIndex(({ answered, errors }) => errors <= maxError * answered);
  const last = steps[at];
  if (!last) return { threshold: null, last };
  const next = steps[at + 1];
  const threshold = next ? shortestBetween(next.probability, last.probability) : 0;
  return { threshold, last };
}

/** The number with the fewest decimals that is above one and at most another. */
function shortestBetween(low: number, high: number): number {
  for (let decimals = 1; decimals <= 15; decimals++) {
    const scale = 10 ** decimals;
    const number = Math.floor(high * scale) / scale;
    if (number > low && number <= high) return number;
  }
  return high;
}

function thinned(steps: readonly Step[], total: number): RiskPoint[] {
  const place = ({ answered }: Step) => Math.ceil((answered * curvePoints) / total);
  // Of those at one place, the last one.
  const isKept = (step: Step, i: number) => {
    const next = steps[i + 1];
    return next === undefined || place(next) > place(step);
  };
  const kept = steps.length > curvePoints ? steps.filter(isKept) : steps;
  return kept.map(({ probability, answered, errors }) => ({
    threshold: probability,
    coverage: answered / total,
    error: errors / answered,
  }));
}
