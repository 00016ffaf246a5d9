import { availableThreads } from './available-threads.ts';
import { binding } from './binding.ts';
import { callNativeAsync } from './errors.ts';
import { requireInteger, requireObject } from './validate.ts';

export interface CheckedRowsOptions {
  /** The descriptor of the open file of each row; -1 where there is no such row. */
  readonly files: Int32Array;
  /** Where the header of each row begins in its file, in bytes; the row follows it. */
  readonly offsets: Float64Array;
  /** The header that each row should have, one after the other; bytes 4 to 7 are not compared. */
  readonly headers: Uint8Array;
  /** Bytes of a header. */
  readonly headerBytes: number;
  /** How many bytes of a header, from byte 8 on, its checksum covers. */
  readonly checkedBytes: number;
  readonly rowBytes: number;
  /** Gets the rows, one after the other; undefined: their checksums are compared, and no more. */
  readonly target?: Uint8Array | undefined;
}

/** Whether {@link readCheckedRows} works on this system: descriptors cannot be handed over on Windows. */
export const canReadCheckedRows = process.platform !== 'win32';

/**
 * Reads rows that lie in open files behind headers, on as many threads as the process may use, and
 * compares each with the CRC-32 (little-endian) in bytes 4 to 7 of its header, which covers the header
 * from byte 8 on and the row. The files must stay open until the promise is settled.
 *
 * @returns for each row 1 where it was read and is right; else the target holds arbitrary bytes there
 * @throws NativeError `INVALID_ARGUMENT`, `OUT_OF_MEMORY`, `ADDON_MISSING`
 */
export async function readCheckedRows(options: CheckedRowsOptions): Promise<Uint8Array> {
  requireObject('options', options);
  const { files, offsets, headers, headerBytes, checkedBytes, rowBytes, target } = options;
  requireInteger('rowBytes', rowBytes, 1, 2 ** 31 - 1);
  const sizes = [headerBytes, checkedBytes, rowBytes] as const;
  const threads = Math.min(availableThreads(), 256);
  return callNativeAsync(() =>
    binding().readCheckedRows(files, offsets, headers, ...sizes, target, threads),
  );
}
