import { requireSampleShape } from './feature-store.ts';
import { nativeLayers } from './layers.ts';
import type { NativeHead, NativeTrainerConfig, TrainerOptions } from './native-module.ts';
import {
  invalidArgument,
  requireArray,
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
  const { backend = 'cpu', threads } = options;
  return {
    inputShape: requireSampleShape('inputShape', options.inputShape),
    layers: nativeLayers('layers', options.layers),
    classes,
    heads: requireArray('heads', options.heads, 1).map((head, i) =>
      nativeHead(`heads[${i}]`, head, classes),
    ),
    backend: requireOneOf('backend', backend, ['cpu', 'cuda']),
    threads: threads === undefined ? 0 : requireInteger('threads', threads, 1, 256),
  };
}

function nativeHead(name: string, value: unknown, classes: number): NativeHead {
  const head = requireObject(name, value);
  const beta = (key: 'beta1' | 'beta2', standard: number) =>
    requireNumber(
      `${name}.${key}`,
      head[key] ?? standard,
      'a number from 0 up to, but not, 1',
      (beta) => beta >= 0 && beta < 1,
    );
  return {
    seed: requireInteger(`${name}.seed`, head.seed, 0, Number.MAX_SAFE_INTEGER),
    learningRate: requireLearningRate(`${name}.learningRate`, head.learningRate),
    beta1: beta('beta1', 0.9),
    beta2: beta('beta2', 0.999),
    epsilon: requireNumber(
      `${name}.epsilon`,
      head.epsilon ?? 1e-7,
      'a number above 0',
      (epsilon) => epsilon > 0,
    ),
    classWeights: requireClassWeights(`${name}.classWeights`, head.classWeights, classes),
  };
}

export function requireLearningRate(name: string, value: unknown): number {
  return requireNumber(name, value, 'a finite number of at least 0', (rate) => rate >= 0);
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
      `a Float32Array of ${classes} finite numbers of at least 0, one a class,`,
      value,
    );
  }
  return value;
}
