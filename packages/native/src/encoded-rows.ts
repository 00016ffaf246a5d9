import { binding } from './binding.ts';
import { callNativeAsync } from './errors.ts';
import { requireInteger, requireObject } from './validate.ts';

export interface EncodeRowsOptions {
  /** One row after the other; left alone meanwhile. */
  readonly numbers: Float32Array;
  /** The header of each row, one after the other; bytes 4 to 7 are left to its checksum. */
  readonly headers: Uint8Array;
  /** Bytes of a header. */
  readonly headerBytes: number;
  /** How many bytes of a header, from byte 8 on, its checksum covers. */
  readonly checkedBytes: number;
  /** What the numbers become: float16 is rounded to nearest, ties to even. */
  readonly dtype: 'float32' | 'float16';
  /** Gets for each row its header, its numbers, and zeros; left alone meanwhile. */
  readonly target: Uint8Array;
}

/**
 * Puts rows behind headers with the CRC-32 that `readCheckedRows` compares.
 *
 * @returns the index of the first number that `dtype` has no finite value for, or -1; where there is
 *   one, the target is arbitrary
 * @throws NativeError `INVALID_ARGUMENT`, `OUT_OF_MEMORY`, `ADDON_MISSING`
 */
export async function encodeRows(options: EncodeRowsOptions): Promise<number> {
  requireObject('options', options);
  const { numbers, headers, headerBytes, checkedBytes, dtype, target } = options;
  requireInteger('headerBytes', headerBytes, 8, 65536);
  const half = dtype === 'float16';
  return callNativeAsync(() =>
    binding().encodeRows(numbers, headers, headerBytes, checkedBytes, half, target),
  );
}
