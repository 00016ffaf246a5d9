import { randomDomain, uniforms } from '@headstart/native';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import type { OptimizerName } from '../head/index.ts';
import { headOptions, optimizerOptions } from '../options/index.ts';

/** Values between two bounds, evenly or evenly in their logarithm. */
export interface Range {
  readonly min: number;
  readonly max: number;
  readonly scale?: 'linear' | 'log' | undefined;
}

/** What a search draws from: a range, or a list of values that are equally likely. */
export interface SearchSpace {
  readonly head: readonly string[];
  readonly optimizer: readonly OptimizerName[];
  readonly classWeights: readonly ('none' | 'balanced')[];
  readonly learningRate: Range | readonly number[];
  /** Of heads with dropout layers. */
  readonly dropout: Range | readonly number[];
  readonly weightDecay: Range | readonly number[];
  readonly l2: Range | readonly number[];
  readonly labelSmoothing: Range | readonly number[];
  /** Of sgd and rmsprop. */
  readonly momentum: Range | readonly number[];
}

/** One draw: what makes a trial differ from others. */
export interface TrialChoice {
  readonly head: string;
  readonly optimizer: OptimizerName;
  readonly classWeights: 'none' | 'balanced';
  readonly learningRate: number;
  readonly dropout?: number | undefined;
  readonly weightDecay: number;
  readonly l2: number;
  readonly labelSmoothing: number;
  readonly momentum?: number | undefined;
}

/** Heads over pooled features, which cost least, and whatever decides how they learn. */
export const defaultSpace: SearchSpace = {
  head: ['linear', 'mlp-64', 'mlp-128', 'mlp'],
  optimizer: ['adam', 'adamw', 'sgd', 'rmsprop'],
  classWeights: ['none', 'balanced'],
  learningRate: { min: 1e-4, max: 1e-1, scale: 'log' },
  dropout: { min: 0, max: 0.6 },
  weightDecay: { min: 1e-5, max: 1e-1, scale: 'log' },
  l2: [0],
  labelSmoothing: [0, 0.05, 0.1, 0.2],
  momentum: [0, 0.9],
};

const numeric = [
  'learningRate',
  'dropout',
  'weightDecay',
  'l2',
  'labelSmoothing',
  'momentum',
] as const;
type NumericKey = (typeof numeric)[number];
const listed = {
  head: undefined,
  optimizer: optimizerOptions.optimizer.kind.choices,
  classWeights: optimizerOptions.classWeights.kind.choices,
};

/** What a value may be, so that a whole space is known to be right before the first trial. */
const bounds = { ...optimizerOptions, ...headOptions };

/**
 * A space from JSON text; what it leaves out is as in {@link defaultSpace}.
 *
 * @param source the file's path, for messages
 * @throws HeadstartError `USAGE` naming the key and what it may be
 */
export function parseSpace(text: string, source: string): SearchSpace {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw wrong(source, `is not JSON: ${reasonOf(error)}`);
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw wrong(source, 'must be an object, as { "learningRate": { "min": 1e-4, "max": 1e-2 } }');
  }
  for (const [key, value] of Object.entries(json)) checkEntry(source, key, value);
  return { ...defaultSpace, ...json };
}

function checkEntry(source: string, key: string, value: unknown): void {
  if (Object.hasOwn(listed, key)) {
    const allowed = listed[key as keyof typeof listed] as readonly string[] | undefined;
    const fits =
      Array.isArray(value) &&
      value.length > 0 &&
      value.every((one) => typeof one === 'string' && (allowed?.includes(one) ?? true));
    if (fits) return;
    throw wrong(source, `: "${key}" must be a list of ${allowed?.join(', ') ?? 'heads'}`);
  }
  if (!(numeric as readonly string[]).includes(key)) {
    const known = [...Object.keys(listed), ...numeric].join(', ');
    throw wrong(source, `has the unknown key "${key}": there are ${known}`);
  }
  const { kind } = bounds[key as NumericKey];
  const isNumber = (x: unknown): x is number => kind.accepts(x);
  if (Array.isArray(value)) {
    if (value.length > 0 && value.every(isNumber)) return;
    throw wrong(source, `: "${key}" lists a value that it cannot have`);
  }
  const { min, max, scale = 'linear', ...more } = (value ?? {}) as Record<string, unknown>;
  const isRange = isNumber(min) && isNumber(max) && min <= max && Object.keys(more).length === 0;
  if (isRange && (scale === 'linear' || (scale === 'log' && min > 0))) return;
  throw wrong(
    source,
    `: "${key}" must be a list of numbers, or { "min", "max", "scale": "linear" or "log" } of ` +
      'numbers that it can have (above 0 for log)',
  );
}

function wrong(source: string, what: string): HeadstartError {
  const gap = what.startsWith(':') ? '' : ' ';
  return new HeadstartError('USAGE', `The search space ${source}${gap}${what}.`);
}

/**
 * The choice of a trial. It depends on (seed, trial) and the space alone, so that a search goes on
 * where it was, and a longer one begins with the trials of a shorter one.
 *
 * @param hasDropout whether a head has dropout layers
 */
export function drawTrial(
  space: SearchSpace,
  seed: number,
  trial: number,
  hasDropout: (head: string) => boolean,
): TrialChoice {
  const stream = { seed, domain: randomDomain.experiment, counter: [2, trial, 0] } as const;
  const u = uniforms(stream, 9);
  const choose = <T>(values: readonly T[], at: number) =>
    values[Math.min(values.length - 1, Math.floor((u[at] as number) * values.length))] as T;
  const value = (key: NumericKey, at: number): number => {
    const from = space[key];
    return 'min' in from ? between(from, u[at] as number) : choose(from, at);
  };
  const head = choose(space.head, 0);
  const optimizer = choose(space.optimizer, 1);
  const classWeights = choose(space.classWeights, 2);
  const takesMomentum = optimizer === 'sgd' || optimizer === 'rmsprop';
  return {
    head,
    optimizer,
    classWeights,
    learningRate: value('learningRate', 3),
    weightDecay: value('weightDecay', 5),
    l2: value('l2', 6),
    labelSmoothing: value('labelSmoothing', 7),
    ...(hasDropout(head) ? { dropout: value('dropout', 4) } : {}),
    ...(takesMomentum ? { momentum: value('momentum', 8) } : {}),
  };
}

function between({ min, max, scale = 'linear' }: Range, u: number): number {
  const at = (a: number, b: number) => a + (b - a) * u;
  const exact = scale === 'log' ? Math.exp(at(Math.log(min), Math.log(max))) : at(min, max);
  // Short numbers, which a table and a command line can hold, but none beyond the range.
  return Math.min(max, Math.max(min, Number(exact.toPrecision(4))));
}
