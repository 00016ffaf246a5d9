import { binding } from './binding.ts';
import { callNative } from './errors.ts';
import type { FeatureDtype, NativeFeatureStore, SampleShape } from './native-module.ts';
import {
  invalidArgument,
  requireArray,
  requireInteger,
  requireObject,
  requireOneOf,
} from './validate.ts';

export interface FeatureStoreOptions {
  readonly shape: SampleShape;
  /** How many rows it can hold, 0 … 2^31 - 1. The memory is taken as rows come. */
  readonly capacity: number;
  readonly dtype: FeatureDtype;
}

const maxSide = 2 ** 24;
const handles = new WeakMap<FeatureStore, NativeFeatureStore>();

/**
 * Features in native memory, handed over once and then trained on as often as needed.
 *
 * Dispose of it when done; garbage collection is only the safety net. A trainer that is using it
 * keeps its memory alive until the operation in flight has ended.
 *
 * @example
 * using store = new FeatureStore({ shape: [7, 7, 512], capacity: 100, dtype: 'float32' });
 * store.append(new Float32Array(100 * 7 * 7 * 512));
 */
export class FeatureStore implements Disposable {
  readonly shape: SampleShape;
  readonly capacity: number;
  readonly dtype: FeatureDtype;
  readonly #native: NativeFeatureStore;

  /** @throws NativeError `INVALID_ARGUMENT`, `ADDON_MISSING` */
  constructor(options: FeatureStoreOptions) {
    requireObject('options', options);
    this.shape = requireSampleShape('shape', options.shape);
    this.capacity = requireInteger('capacity', options.capacity, 0, 2 ** 31 - 1);
    this.dtype = requireOneOf('dtype', options.dtype, ['float32', 'float16']);
    const [height, width, channels] = this.shape;
    this.#native = callNative(
      () => new (binding().FeatureStore)(height, width, channels, this.capacity, this.dtype),
    );
    handles.set(this, this.#native);
  }

  /**
   * Adds whole rows behind those that are there: a Float32Array to a `float32` store, the bits of
   * float16 numbers as a Uint16Array to a `float16` store.
   *
   * @throws NativeError `INVALID_ARGUMENT` for another type, a broken row, or more rows than the
   *   capacity; `BUSY` while a trainer uses the store; `OUT_OF_MEMORY`; `DISPOSED`
   */
  append(rows: Float32Array | Uint16Array): void {
    const type = this.dtype === 'float32' ? Float32Array : Uint16Array;
    if (!(rows instanceof type)) {
      throw invalidArgument('rows', `a ${type.name}, as the store is ${this.dtype},`, rows);
    }
    callNative(() => this.#native.append(rows));
  }

  /** Rows it holds; 0 once disposed of. */
  get length(): number {
    return this.#native.length;
  }

  /** Bytes of native memory it takes; 0 once disposed of. */
  get byteLength(): number {
    return this.#native.byteLength;
  }

  /** Gives the memory back. Calling it again does nothing. */
  dispose(): void {
    this.#native.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The addon's side of a store. */
export function nativeStore(name: string, value: unknown): NativeFeatureStore {
  const handle = value instanceof FeatureStore ? handles.get(value) : undefined;
  if (!handle) throw invalidArgument(name, 'a FeatureStore', value);
  return handle;
}

export function requireSampleShape(name: string, value: unknown): SampleShape {
  const sides = requireArray(name, value);
  if (sides.length !== 3) {
    throw invalidArgument(name, '[height, width, channels]', value);
  }
  const [height, width, channels] = sides.map((side, i) =>
    requireInteger(`${name}[${i}]`, side, 1, maxSide),
  );
  return [height!, width!, channels!];
}
