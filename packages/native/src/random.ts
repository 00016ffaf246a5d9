import { binding } from './binding.ts';
import { callNative } from './errors.ts';
import type { RandomStream } from './native-module.ts';
import { invalidArgument, requireInteger, requireObject } from './validate.ts';

/** What a stream is for: streams of different domains have nothing to do with each other. */
export const randomDomain = {
  init: 0,
  shuffle: 1,
  dropout: 2,
  viewNumbers: 3,
  viewChoice: 4,
  split: 5,
  backboneInit: 6,
  sampleGenerator: 7,
  experiment: 8,
} as const;

const maxCount = 2 ** 31 - 1;
const maxWord = 2 ** 32 - 1;

/**
 * Uniform numbers in [0, 1), each a 32-bit word of Philox4x32-10 times 2^-32.
 *
 * The generator is that of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
 * 1, 2, 3" (SC 2011). Key: the seed's low 32 bits, and its high 21 bits with the domain in bits
 * 24 … 31. Counter: the number of the block of four words, then the stream's three.
 *
 * @throws NativeError `INVALID_ARGUMENT`, `ADDON_MISSING`
 */
export function uniforms(stream: RandomStream, count: number): Float64Array {
  const [seed, domain, c1, c2, c3] = checkedStream(stream);
  requireInteger('count', count, 0, maxCount);
  return callNative(() => binding().uniforms(seed, domain, c1, c2, c3, count));
}

/**
 * A permutation of 0 … n - 1, all equally likely: Fisher-Yates from the back, each index drawn
 * without bias by rejection (D. Lemire, "Fast random integer generation in an interval", 2019).
 *
 * @throws NativeError `INVALID_ARGUMENT`, `ADDON_MISSING`
 */
export function permutation(stream: RandomStream, n: number): Int32Array {
  const [seed, domain, c1, c2, c3] = checkedStream(stream);
  requireInteger('n', n, 0, maxCount);
  return callNative(() => binding().permutation(seed, domain, c1, c2, c3, n));
}

function checkedStream(stream: RandomStream): [number, number, number, number, number] {
  const {
    seed,
    domain,
    counter = [0, 0, 0],
  } = requireObject('stream', stream) as never as RandomStream;
  if (!Array.isArray(counter) || counter.length !== 3) {
    throw invalidArgument('stream.counter', 'three integers', counter);
  }
  const word = (index: number) =>
    requireInteger(`stream.counter[${index}]`, counter[index], 0, maxWord);
  return [
    requireInteger('stream.seed', seed, 0, Number.MAX_SAFE_INTEGER),
    requireInteger('stream.domain', domain, 0, 255),
    word(0),
    word(1),
    word(2),
  ];
}
