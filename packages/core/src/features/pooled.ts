import { fromFloat16 } from '../base/float16.ts';
import type { OperationOptions } from '../base/operation.ts';
import { type FeatureRows, type FeatureSet, memoryFeatureSet } from './set.ts';

const pooledSets = new WeakMap<FeatureSet, Promise<FeatureSet>>();

/**
 * The means over height and width of each row, in float32: maps of one pixel, so that the head keeps
 * all of its layers, and with them its random numbers. Vectors stay as they are. A set is pooled once,
 * however often it is asked for.
 */
export async function pooledSet(set: FeatureSet, options: OperationOptions): Promise<FeatureSet> {
  if (set.shape.length === 1) return set;
  const known = pooledSets.get(set);
  // The first caller may have aborted it.
  if (known) return known.catch(() => pool(set, options));
  const pooling = pool(set, options);
  pooledSets.set(set, pooling);
  pooling.catch(() => pooledSets.delete(set));
  return pooling;
}

async function pool(set: FeatureSet, options: OperationOptions): Promise<FeatureSet> {
  const channels = set.shape.at(-1) as number;
  const pixels = set.shape.slice(0, -1).reduce((a, b) => a * b, 1);
  const rows = new Float32Array(set.rowCount * channels);
  let row = 0;
  for await (const chunk of set.chunks(options)) {
    for (let at = 0; at < chunk.length; at += pixels * channels, row++) {
      const sums = rows.subarray(row * channels, (row + 1) * channels);
      if (chunk instanceof Float32Array) addPixels(chunk, at, pixels, sums);
      else addHalfPixels(chunk, at, pixels, sums);
    }
  }
  const { samples, classes } = set;
  return memoryFeatureSet({ shape: [1, 1, channels], samples, classes, rows });
}

/** Rounds as the native layer does, pixel after pixel in float32: heads learn the same bits. */
function addPixels(values: Float32Array, at: number, pixels: number, sums: Float32Array): void {
  const channels = sums.length;
  for (let p = 0; p < pixels; p++) {
    const begin = at + p * channels;
    for (let c = 0; c < channels; c++) {
      sums[c] = (sums[c] as number) + (values[begin + c] as number);
    }
  }
  for (let c = 0; c < channels; c++) sums[c] = (sums[c] as number) / pixels;
}

/** The same from the bits of float16. */
function addHalfPixels(bits: Uint16Array, at: number, pixels: number, sums: Float32Array): void {
  const table = float16Table();
  const channels = sums.length;
  for (let p = 0; p < pixels; p++) {
    const begin = at + p * channels;
    for (let c = 0; c < channels; c++) {
      sums[c] = (sums[c] as number) + (table[bits[begin + c] as number] as number);
    }
  }
  for (let c = 0; c < channels; c++) sums[c] = (sums[c] as number) / pixels;
}

let float16Values: Float32Array | undefined;

/** The value of each of the numbers that float16 has, by its bits. */
function float16Table(): Float32Array {
  if (float16Values) return float16Values;
  const bits = new Uint16Array(65_536);
  for (let i = 0; i < bits.length; i++) bits[i] = i;
  float16Values = fromFloat16(bits);
  return float16Values;
}

/** Rows as float32; from the bits of float16 by a table of all of them. */
export function inFloat32(bits: FeatureRows): Float32Array {
  if (bits instanceof Float32Array) return bits;
  const table = float16Table();
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = table[bits[i] as number] as number;
  return values;
}
