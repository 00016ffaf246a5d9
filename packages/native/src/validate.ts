import { NativeError } from './errors.ts';

/** The one form of every refused argument. */
export function invalidArgument(name: string, expected: string, actual: unknown): NativeError {
  return new NativeError(
    'INVALID_ARGUMENT',
    `Expected ${expected} for ${name} but received ${describe(actual)}.`,
  );
}

/** A value in a few words, never its whole contents. */
function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 60));
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  const name: unknown = value.constructor?.name;
  const kind = typeof name === 'string' ? name : 'object';
  const { length } = value as { length?: unknown };
  return typeof length === 'number' ? `${kind} of length ${length}` : `an object of type ${kind}`;
}

export function requireInteger(name: string, value: unknown, min: number, max: number): number {
  if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
    throw invalidArgument(name, `an integer from ${min} to ${max}`, value);
  }
  return value as number;
}

export function requireNumber(
  name: string,
  value: unknown,
  expected: string,
  accepts: (value: number) => boolean,
): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || !accepts(value)) {
    throw invalidArgument(name, expected, value);
  }
  return value;
}

export function requireOneOf<T extends string>(
  name: string,
  value: unknown,
  choices: readonly T[],
): T {
  if (!choices.includes(value as T)) {
    throw invalidArgument(name, `one of ${choices.join(', ')}`, value);
  }
  return value as T;
}

export function requireObject(name: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidArgument(name, 'an object', value);
  }
  return value as Record<string, unknown>;
}

export function requireArray(name: string, value: unknown, min = 0): readonly unknown[] {
  if (!Array.isArray(value) || value.length < min) {
    throw invalidArgument(name, min > 0 ? `an array of at least ${min}` : 'an array', value);
  }
  return value;
}

export function requireBoolean(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw invalidArgument(name, 'true or false', value);
  return value;
}

/**
 * Exactly an Int32Array, each value in 0 ≤ value < limit: a Float64Array or a plain array is
 * refused rather than read as something else.
 */
export function requireIndices(name: string, value: unknown, limit: number): Int32Array {
  const indices = requireInt32Array(name, value);
  const wrong = indices.findIndex((index) => index < 0 || index >= limit);
  if (wrong >= 0) {
    throw invalidArgument(
      `${name}[${wrong}]`,
      limit > 0
        ? `an index from 0 to ${limit - 1}`
        : 'no index, as there is nothing to choose from,',
      indices[wrong],
    );
  }
  return indices;
}

function requireInt32Array(name: string, value: unknown): Int32Array {
  if (!(value instanceof Int32Array)) throw invalidArgument(name, 'an Int32Array', value);
  return value;
}

export function requireFloat32Array(name: string, value: unknown, length: number): Float32Array {
  if (!(value instanceof Float32Array) || value.length !== length) {
    throw invalidArgument(name, `a Float32Array of length ${length}`, value);
  }
  return value;
}
