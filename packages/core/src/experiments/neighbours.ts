import { setImmediate as nextTurn } from 'node:timers/promises';
import { randomDomain, uniforms } from '@headstart/native';
import type { LongOperationOptions } from '../base/operation.ts';

export interface VectorTable extends LongOperationOptions {
  /** [samples x dimensions], of length 1 each; see {@link unitVectors}. */
  readonly vectors: Float32Array;
  readonly samples: number;
}

export interface Neighbours {
  /** Of each sample its nearest others, the nearest first. */
  readonly indices: readonly (readonly number[])[];
  /** Their cosine similarities, -1 to 1. */
  readonly similarities: readonly (readonly number[])[];
}

/** Above this many samples, vectors are first projected to fewer dimensions. */
const mostExact = 3000;
const projectedDimensions = 96;

/**
 * The nearest neighbours of each sample by cosine similarity. Of many samples, candidates are found
 * among random projections (W. Johnson and J. Lindenstrauss, 1984) and then compared exactly.
 *
 * @param count how many of each
 */
export async function nearestNeighbours(table: VectorTable, count: number): Promise<Neighbours> {
  const { vectors, samples, signal, onProgress } = table;
  const dimensions = vectors.length / samples;
  const projects = samples > mostExact && dimensions > 2 * projectedDimensions;
  const searched = projects ? project(vectors, samples) : vectors;
  const width = searched.length / samples;
  const kept = projects ? 4 * count : count;
  const indices: number[][] = [];
  const similarities: number[][] = [];
  for (let i = 0; i < samples; i++) {
    if (i % 64 === 0) {
      await nextTurn();
      signal?.throwIfAborted();
      onProgress?.({ stage: 'neighbours', done: i, total: samples, unit: 'images' });
    }
    const found = nearest(searched, width, i, kept);
    const exact = projects
      ? found
          .map(({ index }) => ({ index, similarity: dot(vectors, dimensions, i, index) }))
          .sort((a, b) => b.similarity - a.similarity)
          .slice(0, count)
      : found;
    indices.push(exact.map(({ index }) => index));
    similarities.push(exact.map(({ similarity }) => similarity));
  }
  onProgress?.({ stage: 'neighbours', done: samples, total: samples, unit: 'images' });
  return { indices, similarities };
}

interface Neighbour {
  readonly index: number;
  readonly similarity: number;
}

function nearest(table: Float32Array, width: number, i: number, count: number): Neighbour[] {
  const best: Neighbour[] = [];
  const samples = table.length / width;
  let least = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < samples; index++) {
    if (index === i) continue;
    const similarity = dot(table, width, i, index);
    if (best.length === count && similarity <= least) continue;
    let at = best.length;
    while (at > 0 && (best[at - 1] as Neighbour).similarity < similarity) at--;
    best.splice(at, 0, { index, similarity });
    if (best.length > count) best.pop();
    least = (best.at(-1) as Neighbour).similarity;
  }
  return best;
}

function dot(table: Float32Array, width: number, i: number, j: number): number {
  const [a, b] = [i * width, j * width];
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let d = 0;
  for (; d + 3 < width; d += 4) {
    s0 += (table[a + d] as number) * (table[b + d] as number);
    s1 += (table[a + d + 1] as number) * (table[b + d + 1] as number);
    s2 += (table[a + d + 2] as number) * (table[b + d + 2] as number);
    s3 += (table[a + d + 3] as number) * (table[b + d + 3] as number);
  }
  for (; d < width; d++) s0 += (table[a + d] as number) * (table[b + d] as number);
  return s0 + s1 + s2 + s3;
}

/** Onto random directions of ±1, each row made of length 1 again. */
function project(vectors: Float32Array, samples: number): Float32Array {
  const dimensions = vectors.length / samples;
  const result = new Float32Array(samples * projectedDimensions);
  for (let p = 0; p < projectedDimensions; p++) {
    const stream = { seed: 0, domain: randomDomain.experiment, counter: [1, p, 0] } as const;
    const drawn = uniforms(stream, dimensions);
    const signs = new Float32Array(dimensions);
    for (let d = 0; d < dimensions; d++) signs[d] = (drawn[d] as number) < 0.5 ? -1 : 1;
    for (let i = 0; i < samples; i++) {
      let sum = 0;
      for (let d = 0; d < dimensions; d++) {
        sum += (signs[d] as number) * (vectors[i * dimensions + d] as number);
      }
      result[i * projectedDimensions + p] = sum;
    }
  }
  return unitVectors(result, samples);
}

/** Each row divided by its length; rows of zeros stay. */
export function unitVectors(rows: Float32Array, samples: number): Float32Array {
  const dimensions = rows.length / samples;
  const result = new Float32Array(rows.length);
  for (let i = 0; i < samples; i++) {
    const own = rows.subarray(i * dimensions, (i + 1) * dimensions);
    const length = Math.sqrt(own.reduce((sum, x) => sum + x * x, 0)) || 1;
    for (let d = 0; d < dimensions; d++) result[i * dimensions + d] = (own[d] as number) / length;
  }
  return result;
}
