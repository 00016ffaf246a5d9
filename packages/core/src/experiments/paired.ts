import { randomDomain, uniforms } from '@headstart/native';

/** How much better one classifier is than another on the same images. */
export interface PairedComparison {
  readonly samples: number;
  /** Accuracy of the second minus that of the first. */
  readonly difference: number;
  /** 95 % interval of the difference. */
  readonly interval: readonly [number, number];
  /** Two-sided, by the bootstrap: how often it would differ as much if there were no difference. */
  readonly p: number;
  /** Images that only the first, and only the second, has right. */
  readonly onlyFirst: number;
  readonly onlySecond: number;
  /** McNemar's exact test on these two. */
  readonly mcnemar: number;
}

export interface PairedOptions {
  /** Default 10,000. */
  readonly resamples?: number | undefined;
  readonly seed?: number | undefined;
}

/**
 * The paired bootstrap (B. Efron and R. Tibshirani, "An Introduction to the Bootstrap", 1993): images
 * are drawn again with both classifiers' answers, so that what is hard for both counts for neither.
 * The interval is that of percentiles; p is twice the share of resamples on the other side of zero,
 * ties halved. McNemar's test is the binomial one, two-sided (Q. McNemar, Psychometrika 12, 1947).
 *
 * @param first whether the first classifier has each image right; `second` the same for the second
 */
export function comparePaired(
  first: readonly boolean[],
  second: readonly boolean[],
  { resamples = 10_000, seed = 0 }: PairedOptions = {},
): PairedComparison {
  const samples = first.length;
  let [onlyFirst, onlySecond] = [0, 0];
  first.forEach((right, i) => {
    if (right && !second[i]) onlyFirst++;
    if (!right && second[i]) onlySecond++;
  });
  const draws = Float64Array.from({ length: resamples }, (_, i) =>
    resample(samples, onlyFirst, onlySecond, seed, i),
  ).sort();
  const quantile = (q: number) => draws[Math.round(q * (resamples - 1))] as number;
  const below = draws.filter((d) => d < 0).length + draws.filter((d) => d === 0).length / 2;
  const side = Math.min(below, resamples - below) / resamples;
  return {
    samples,
    difference: (onlySecond - onlyFirst) / samples,
    interval: [quantile(0.025), quantile(0.975)],
    p: Math.min(1, Math.max(2 * side, 1 / resamples)),
    onlyFirst,
    onlySecond,
    mcnemar: mcnemar(onlyFirst, onlySecond),
  };
}

/**
 * The difference on as many images drawn with replacement. Only images that one of the two has right
 * matter, so each draw is one of three kinds.
 */
function resample(samples: number, lost: number, won: number, seed: number, i: number): number {
  const counter = [i, 0, 0] as [number, number, number];
  let sum = 0;
  for (const u of uniforms({ seed, domain: randomDomain.experiment, counter }, samples)) {
    const at = u * samples;
    if (at < lost) sum--;
    else if (at < lost + won) sum++;
  }
  return sum / samples;
}

/** Twice the smaller tail of a fair coin's binomial distribution, at most 1. */
function mcnemar(a: number, b: number): number {
  const n = a + b;
  let term = -n * Math.LN2;
  let tail = 0;
  for (let k = 0; k <= Math.min(a, b); k++) {
    tail += Math.exp(term);
    term += Math.log((n - k) / (k + 1));
  }
  return Math.min(1, 2 * tail);
}
