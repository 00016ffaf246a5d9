/** Measured errors (1 - accuracy) at one number of training images. */
export interface CurvePoint {
  readonly images: number;
  /** One error a seed. */
  readonly errors: readonly number[];
  /** Images that each error was measured on. */
  readonly measuredOn: number;
}

/** error(n) = a * n^-b + c, with a, c >= 0 and 0 < b. */
export interface PowerLaw {
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

export function errorAt({ a, b, c }: PowerLaw, images: number): number {
  return Math.min(1, a * images ** -b + c);
}

const exponents = Array.from({ length: 60 }, (_, i) => 0.05 * 1.06 ** i);
const floors = Array.from({ length: 41 }, (_, i) => i / 40);

/**
 * The power law that fits a learning curve best, by weighted least squares: a grid over the exponent
 * and the floor, and a in closed form. That errors of learners fall so is the finding of C. Cortes et
 * al., "Learning curves: asymptotic values and rate of convergence" (NIPS 1993), and, of networks,
 * J. Hestness et al., "Deep learning scaling is predictable, empirically" (arXiv 1712.00409, 2017).
 */
export function fitPowerLaw(
  points: readonly { readonly images: number; readonly error: number; readonly weight: number }[],
): PowerLaw {
  const least = Math.min(...points.map(({ error }) => error));
  let best: PowerLaw = { a: 0, b: 1, c: least };
  let bestCost = Number.POSITIVE_INFINITY;
  for (const b of exponents) {
    // Weighted sums of products of x = n^-b, the error e, and 1.
    let [xx, xe, x1, ee, e1, one] = [0, 0, 0, 0, 0, 0];
    for (const { images, error, weight } of points) {
      const x = images ** -b;
      xx += weight * x * x;
      xe += weight * x * error;
      x1 += weight * x;
      ee += weight * error * error;
      e1 += weight * error;
      one += weight;
    }
    for (const share of floors) {
      const c = share * least;
      const a = Math.max(0, (xe - c * x1) / xx);
      const cost = ee + a * a * xx + c * c * one + 2 * (a * c * x1 - a * xe - c * e1);
      if (cost < bestCost) {
        bestCost = cost;
        best = { a, b, c };
      }
    }
  }
  return best;
}

export interface Extrapolation {
  readonly images: number;
  readonly accuracy: number;
  /** 95 % interval of the accuracy that so many images would give. */
  readonly interval: readonly [number, number];
}

export interface ExtrapolateOptions {
  /** Numbers of images to look ahead to. */
  readonly targets: readonly number[];
  /** Uniform numbers in [0, 1): the source of the bootstrap. */
  readonly random: () => number;
  /** Default 400. */
  readonly resamples?: number | undefined;
}

/**
 * What more images would give, by the fitted power law, with intervals of a bootstrap: seeds are drawn
 * again at each size, the images that were measured on add their binomial error, the same for all
 * sizes as they are the same images, and the law is fitted again without one of its sizes, which
 * stands for not knowing that it is a power law.
 */
export function extrapolate(
  points: readonly CurvePoint[],
  { targets, random, resamples = 400 }: ExtrapolateOptions,
): { readonly law: PowerLaw; readonly predictions: Extrapolation[] } {
  const law = fitPowerLaw(points.map((point) => weighted(point, mean(point.errors))));
  const drawn = Array.from({ length: resamples }, () => refit(points, random));
  const predictions = targets.map((images) => {
    const accuracies = drawn
      .map((one) => Math.min(1, Math.max(0, 1 - errorAt(one.law, images) + one.shift)))
      .sort((a, b) => a - b);
    const quantile = (q: number) => accuracies[Math.round(q * (resamples - 1))] as number;
    const accuracy = 1 - errorAt(law, images);
    const interval = [
      Math.min(accuracy, quantile(0.025)),
      Math.max(accuracy, quantile(0.975)),
    ] as const;
    return { images, accuracy, interval };
  });
  return { law, predictions };
}

/** A law for one draw of seeds and sizes, and by how much the images measured on mislead. */
function refit(points: readonly CurvePoint[], random: () => number) {
  const left = points.length > 4 ? Math.floor(random() * points.length) : -1;
  const drawn = points
    .filter((_, i) => i !== left)
    .map((point) => {
      const errors = point.errors.map(
        () => point.errors[Math.floor(random() * point.errors.length)] as number,
      );
      return weighted(point, mean(errors));
    });
  const last = points.at(-1) as CurvePoint;
  const error = mean(last.errors);
  const spread = Math.sqrt(Math.max(error * (1 - error), 1 / last.measuredOn) / last.measuredOn);
  return { law: fitPowerLaw(drawn), shift: spread * normal(random) };
}

/** Sizes count by how sure their error is: by seeds, and by the images that it was measured on. */
function weighted({ images, errors, measuredOn }: CurvePoint, error: number) {
  const ofSeeds = errors.reduce((sum, e) => sum + (e - mean(errors)) ** 2, 0) / errors.length;
  const variance = (ofSeeds + (error * (1 - error)) / measuredOn) / errors.length;
  return { images, error, weight: 1 / Math.max(variance, 1e-6) };
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** Box and Muller's transform. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
