/** The largest finite float16. */
export const maxFloat16 = 65504;

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);

/** Smallest normal float16, 2^-14, and the first value that rounds to infinity, 65520, as bits. */
const smallestNormal = 0x38800000;
const firstInfinite = 0x477ff000;

/**
 * Converts float32 to float16 bits (IEEE 754 binary16), rounding to nearest, ties to even.
 *
 * @param target as long as `source`
 * @returns the index of the first number that float16 cannot hold (NaN, infinite, or at least
 * 65520 in magnitude), or -1
 */
export function toFloat16(source: Float32Array, target: Uint16Array): number {
  const bits = new Uint32Array(source.buffer, source.byteOffset, source.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i] as number;
    const magnitude = word & 0x7fffffff;
    const sign = (word >>> 16) & 0x8000;
    if (magnitude >= firstInfinite) return i;
    if (magnitude >= smallestNormal) {
      // Rebias the exponent from 127 to 15 and add just under half, or half where the kept part
      // is odd: the carry rounds, into the exponent too.
      const odd = (magnitude >>> 13) & 1;
      target[i] = sign | ((magnitude - 0x38000000 + 0xfff + odd) >>> 13);
    } else {
      // Adding ½ leaves the float16 subnormal in the low bits, rounded by the addition itself.
      scratchBits[0] = magnitude;
      scratch[0] = (scratch[0] as number) + 0.5;
      target[i] = sign | ((scratchBits[0] as number) - 0x3f000000);
    }
  }
  return -1;
}

/** The float32 value of each float16. */
export function fromFloat16(source: Uint16Array): Float32Array {
  const result = new Float32Array(source.length);
  for (let i = 0; i < source.length; i++) {
    const half = source[i] as number;
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >>> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0x1f) result[i] = fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    else if (exponent === 0) result[i] = sign * fraction * 2 ** -24;
    else result[i] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return result;
}
