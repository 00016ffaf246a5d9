import { setImmediate } from 'node:timers/promises';
import type { LongOperationOptions } from '../base/operation.ts';
import type { Fingerprints } from './fingerprint.ts';
import { HammingIndex } from './hamming-index.ts';

/** Bits of 64 in which the perceptual hashes of near duplicates differ at most. */
export const hashRadius = 10;

/** Correlation of the pixels of near duplicates, at least. */
export const leastCorrelation = 0.96;

/** Difference of the pixels of near duplicates, in levels of 255, root mean square, at most. */
export const largestDifference = 20;

/**
 * Pictures that one is compared with at most. Only where thousands look nearly the same, as in
 * the frames of a still camera, are there more candidates; then some pairs are not found, but a
 * picture with so many look-alikes is found to have some.
 */
const mostComparisons = 2000;

/** Hashes between two turns of the event loop. */
const codesPerTurn = 256;

export type NearPairListener = (a: number, b: number, correlation: number) => void;

/**
 * Finds pictures that are nearly the same: resized, compressed, brightened, or frames of a video
 * that follow one another. Candidates have perceptual hashes that differ in few bits; the pixels
 * decide, so that pictures of like layout are not a false alarm. A picture of one colour is like none.
 *
 * `onPair` gets each pair once; when it gets (a, b), every pair of pictures that were `a` before
 * has been given already, and `b` is one of them.
 */
export async function findNearDuplicates(
  fingerprints: Fingerprints,
  onPair: NearPairListener,
  { signal, onProgress }: LongOperationOptions = {},
): Promise<void> {
  const { codes, low, high } = distinctCodes(fingerprints);
  const index = new HammingIndex(low, high);
  for (let code = 0; code < codes.length; code++) {
    if (code % codesPerTurn === 0) {
      signal?.throwIfAborted();
      onProgress?.({ stage: 'comparing', done: code, total: codes.length, unit: 'images' });
      await setImmediate();
    }
    const candidates: number[] = [];
    index.before(code, hashRadius, (other) => candidates.push(other));
    const earlier = candidates.flatMap((other) => codes[other] as number[]);
    const own = codes[code] as number[];
    own.forEach((a, i) => {
      compareAll(
        fingerprints,
        a,
        [...own.slice(0, Math.min(i, mostComparisons)), ...earlier],
        onPair,
      );
    });
  }
  const total = codes.length;
  onProgress?.({ stage: 'comparing', done: total, total, unit: 'images' });
}

function compareAll(
  fingerprints: Fingerprints,
  a: number,
  others: readonly number[],
  onPair: NearPairListener,
): void {
  const count = Math.min(others.length, mostComparisons);
  for (let i = 0; i < count; i++) {
    const b = others[i] as number;
    const { correlation, difference } = fingerprints.compare(a, b);
    if (correlation >= leastCorrelation && difference <= largestDifference) {
      onPair(a, b, correlation);
    }
  }
}

/** The pictures by their perceptual hash; several may have the same. */
function distinctCodes(fingerprints: Fingerprints) {
  const byCode = new Map<string, number[]>();
  for (let i = 0; i < fingerprints.count; i++) {
    if (!fingerprints.isPicture(i)) continue;
    const key = `${fingerprints.low[i]} ${fingerprints.high[i]}`;
    const known = byCode.get(key);
    if (known) known.push(i);
    else byCode.set(key, [i]);
  }
  const codes = [...byCode.values()];
  const of = (bits: Uint32Array) => Uint32Array.from(codes, ([first = 0]) => bits[first] as number);
  return { codes, low: of(fingerprints.low), high: of(fingerprints.high) };
}
