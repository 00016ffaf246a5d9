import { NativeError } from './errors.ts';
import { requireSampleShape } from './feature-store.ts';
import { nativeLayers } from './layers.ts';
import type {
  HeadOptions,
  NativeHead,
  NativeOptimizer,
  NativeTrainerConfig,
  TrainerOptions,
} from './native-module.ts';
import {
  invalidArgument,
  requireArray,
  requireBoolean,
  requireInteger,
  requireNumber,
  requireObject,
  requireOneOf,
} from './validate.ts';

export const maxClasses = 2 ** 20;

/** @throws NativeError `INVALID_ARGUMENT` naming the option */
export function nativeConfig(options: TrainerOptions): NativeTrainerConfig {
  requireObject('options', options);
  const classes = requireInteger('classes', options.classes, 1, maxClasses);
  const { backend = 'cpu', compute = 'fp32', threads } = options;
  return {
    inputShape: requireSampleShape('inputShape', options.inputShape),
    layers: nativeLayers('layers', options.layers),
    classes,
    heads: requireArray('heads', options.heads, 1).map((head, i) =>
      nativeHead(`heads[${i}]`, head, classes),
    ),
    backend: requireOneOf('backend', backend, ['cpu', 'cuda']),
    compute: requireOneOf('compute', compute, ['fp32', 'tf32', 'bf16']),
    threads: threads === undefined ? 0 : requireInteger('threads', threads, 1, 256),
  };
}

function nativeHead(name: string, value: unknown, classes: number): NativeHead {
  const head = requireObject(name, value);
  refuseUnknown(name, head, headKeys, 'a head');
  const spec = requireObject(`${name}.optimizer`, head.optimizer ?? { type: 'adam' });
  const decay = head.weightDecay ?? (spec.type === 'adamw' ? 0.004 : 0);
  const { dropout } = head;
  return {
    seed: requireInteger(`${name}.seed`, head.seed, 0, Number.MAX_SAFE_INTEGER),
    learningRate: requireLearningRate(`${name}.learningRate`, head.learningRate),
    optimizer: nativeOptimizer(`${name}.optimizer`, spec),
    weightDecay: requireNotNegative(`${name}.weightDecay`, decay),
    l2: requireNotNegative(`${name}.l2`, head.l2 ?? 0),
    labelSmoothing: requireFraction(`${name}.labelSmoothing`, head.labelSmoothing ?? 0),
    dropout: dropout === undefined ? undefined : requireFraction(`${name}.dropout`, dropout),
    classWeights: requireClassWeights(`${name}.classWeights`, head.classWeights, classes),
  };
}

const headKeys = [
  'seed',
  'learningRate',
  'optimizer',
  'weightDecay',
  'l2',
  'labelSmoothing',
  'dropout',
  'classWeights',
] as const satisfies readonly (keyof HeadOptions)[];

/** A misspelt option would else be one that is silently left at its default. */
function refuseUnknown(
  name: string,
  object: Record<string, unknown>,
  known: readonly string[],
  what: string,
): void {
  const unknown = Object.keys(object).find((k) => object[k] !== undefined && !known.includes(k));
  if (unknown === undefined) return;
  throw new NativeError(
    'INVALID_ARGUMENT',
    `${name}.${unknown} is not an option of ${what}: its options are ${known.join(', ')}.`,
  );
}

/** Every optimizer with the keys it takes and Keras's values for them; `type` is understood. */
const optimizerDefaults = {
  adam: { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 },
  adamw: { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 },
  sgd: { momentum: 0, nesterov: false },
  rmsprop: { rho: 0.9, momentum: 0, epsilon: 1e-7 },
} as const;

function nativeOptimizer(name: string, spec: Record<string, unknown>): NativeOptimizer {
  const types = ['adam', 'adamw', 'sgd', 'rmsprop'] as const;
  const type = requireOneOf(`${name}.type`, spec.type as (typeof types)[number], types);
  const own: Readonly<Record<string, unknown>> = optimizerDefaults[type];
  refuseUnknown(name, spec, ['type', ...Object.keys(own)], type);
  const fraction = (key: string) => requireFraction(`${name}.${key}`, spec[key] ?? own[key] ?? 0);
  const momentum = fraction('momentum');
  const nesterov = requireBoolean(`${name}.nesterov`, spec.nesterov ?? false);
  if (nesterov && momentum === 0) {
    throw invalidArgument(`${name}.momentum`, 'a number above 0, as nesterov is true,', momentum);
  }
  return {
    type: type === 'adamw' ? 'adam' : type,
    beta1: fraction('beta1'),
    beta2: fraction('beta2'),
    rho: fraction('rho'),
    momentum,
    epsilon: requireNumber(
      `${name}.epsilon`,
      spec.epsilon ?? own.epsilon ?? 1e-7,
      'a number above 0',
      (epsilon) => epsilon > 0,
    ),
    nesterov,
  };
}

function requireFraction(name: string, value: unknown): number {
  return requireNumber(
    name,
    value,
    'a number from 0 up to, but not, 1',
    (number) => number >= 0 && number < 1,
  );
}

function requireNotNegative(name: string, value: unknown): number {
  return requireNumber(name, value, 'a finite number of at least 0', (number) => number >= 0);
}

export function requireLearningRate(name: string, value: unknown): number {
  return requireNotNegative(name, value);
}

/** One a step, or undefined. */
export function requireLearningRates(
  name: string,
  value: unknown,
  steps: number,
): Float64Array | undefined {
  if (value === undefined) return undefined;
  const fits =
    value instanceof Float64Array &&
    value.length === steps &&
    value.every((rate) => Number.isFinite(rate) && rate >= 0);
  if (!fits) {
    throw invalidArgument(
      name,
      `a Float64Array of ${steps} finite numbers of at least 0, one per step,`,
      value,
    );
  }
  return value;
}

function requireClassWeights(name: string, value: unknown, classes: number): Float32Array {
  if (value === undefined) return new Float32Array(classes).fill(1);
  const fits =
    value instanceof Float32Array &&
    value.length === classes &&
    value.every((weight) => Number.isFinite(weight) && weight >= 0);
  if (!fits) {
    throw invalidArgument(
      name,
      `a Float32Array of ${classes} finite numbers of at least 0, one per class,`,
      value,
    );
  }
  return value;
}
