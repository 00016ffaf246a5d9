import { join } from 'node:path';
import {
  dayOf,
  type FeatureCache,
  openFeatureCache,
  openFeatureSnapshot,
} from '@headstart/core/features';
import { temporaryFolder } from './pipeline.ts';

const shape = [50, 10];
export const key = (i: number) =>
  Buffer.concat([Buffer.alloc(16, 1), Buffer.alloc(32, i), Buffer.alloc(16, 2)]);
export const row = (i: number) => Float32Array.from({ length: 500 }, (_, k) => i + k / 8);
export const record = (i: number) => ({
  key: key(i),
  row: row(i),
  shape,
  dtype: 'float32' as const,
});
export const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

export async function cacheOf(count: number, use?: (cache: FeatureCache) => void): Promise<string> {
  const dir = join(await temporaryFolder(), 'cache');
  await using cache = await openFeatureCache({ dir });
  cache.putBatch(numbers(count).map(record));
  use?.(cache);
  return dir;
}

/** Which of the records are there, whole and right. */
export async function held(dir: string): Promise<number[]> {
  using snapshot = await openFeatureSnapshot(dir);
  const target = new Float32Array(500);
  return numbers(256).filter((i) => {
    const found = snapshot.copy(key(i), record(i), new Uint8Array(target.buffer));
    return found && target.every((x, k) => x === row(i)[k]);
  });
}

export const today = dayOf(Date.now());
export const usedOn =
  (day: number, ...which: number[]) =>
  (cache: FeatureCache) =>
    cache.noteUse(which.map(key), day);
