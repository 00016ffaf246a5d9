import { binding } from './binding.ts';
import { callNative } from './errors.ts';
import type {
  BackendName,
  FeatureDtype,
  NativeFeatureStore,
  SampleShape,
} from './native-module.ts';
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
  /**
   * Where the rows are. `cpu`, the default: in this process, from where a trainer on the GPU copies
   * them once, for all trainers. `cuda`: in the GPU's memory alone, taken at once; only trainers on
   * the GPU can read them.
   */
  readonly device?: BackendName | undefined;
}

export interface MappedFeaturesOptions {
  readonly shape: SampleShape;
  readonly dtype: FeatureDtype;
  readonly path: string;
  /** Where the first row begins in the file, in bytes: a multiple of the number's size. */
  readonly offset: number;
  readonly rows: number;
}

/** The arrays that a store takes. */
const rowTypes = {
  float32: [Float32Array],
  float16: [Uint16Array],
  bfloat16: [Uint16Array, Float32Array],
} as const;

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

  /** @throws NativeError `INVALID_ARGUMENT`, `OUT_OF_MEMORY`, `DEVICE_UNAVAILABLE`, `ADDON_MISSING` */
  constructor(options: FeatureStoreOptions, mapped?: { path: string; offset: number }) {
    requireObject('options', options);
    this.shape = requireSampleShape('shape', options.shape);
    this.capacity = requireInteger('capacity', options.capacity, 0, 2 ** 31 - 1);
    this.dtype = requireOneOf('dtype', options.dtype, ['float32', 'float16', 'bfloat16']);
    const [height, width, channels] = this.shape;
    const device = requireOneOf('device', options.device ?? 'cpu', ['cpu', 'cuda']);
    const { path, offset } = mapped ?? {};
    const { capacity, dtype } = this;
    const size = [height, width, channels, capacity] as const;
    this.#native = callNative(
      () => new (binding().FeatureStore)(...size, dtype, path, offset, device),
    );
    handles.set(this, this.#native);
  }

  /**
   * The rows of a file where they lie: nothing is read until it is used, and what is read stays in
   * the system's cache rather than in this process. Nothing can be added. The file must not shrink
   * while the store lives, as the process would be ended by the system.
   *
   * @throws NativeError `INVALID_ARGUMENT` naming the file, also where its numbers are not aligned
   *   or the system (Windows) has no such mappings: read the rows and append them instead
   */
  static map(options: MappedFeaturesOptions): FeatureStore {
    requireObject('options', options);
    const { shape, dtype, path, offset, rows } = options;
    if (typeof path !== 'string') throw invalidArgument('path', 'a file', path);
    requireInteger('offset', offset, 0, Number.MAX_SAFE_INTEGER);
    requireInteger('rows', rows, 0, 2 ** 31 - 1);
    return new FeatureStore({ shape, capacity: rows, dtype }, { path, offset });
  }

  /**
   * Adds whole rows behind those that are there: a Float32Array to a `float32` store, the bits of
   * the numbers as a Uint16Array to a `float16` or `bfloat16` store. A `bfloat16` store also takes
   * a Float32Array, whose numbers it rounds to the nearest.
   *
   * @throws NativeError `INVALID_ARGUMENT` for another type, a broken row, or more rows than the
   *   capacity; `OUT_OF_MEMORY`; `DISPOSED`
   */
  append(rows: Float32Array | Uint16Array): void {
    const types = rowTypes[this.dtype];
    if (!types.some((type) => rows instanceof type)) {
      const names = types.map(({ name }) => name).join(' or ');
      throw invalidArgument('rows', `a ${names}, as the store is ${this.dtype},`, rows);
    }
    callNative(() => this.#native.append(rows));
  }

  /**
   * The first of the rows `begin` … `begin + count - 1` that holds an infinity or a not-a-number,
   * or -1. A trainer does not look: such a row makes every loss not-a-number.
   */
  findInvalidRow(begin = 0, count = this.capacity): number {
    requireInteger('begin', begin, 0, 2 ** 31 - 1);
    requireInteger('count', count, 0, 2 ** 31 - 1);
    return callNative(() => this.#native.findInvalidRow(begin, count));
  }

  /** Rows it holds; 0 once disposed of. */
  get length(): number {
    return this.#native.length;
  }

  /** Bytes of memory that its rows take; 0 once disposed of. */
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
