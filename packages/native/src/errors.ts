export type NativeErrorCode =
  | 'INVALID_ARGUMENT'
  | 'DISPOSED'
  | 'BUSY'
  | 'ABORTED'
  | 'OUT_OF_MEMORY'
  | 'DEVICE_UNAVAILABLE'
  | 'DEVICE_FAILED'
  | 'ADDON_MISSING';

/** Every error of this package: `code` is stable, `message` is one sentence for people. */
export class NativeError extends Error {
  readonly code: NativeErrorCode;

  constructor(code: NativeErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'NativeError';
    this.code = code;
  }
}

const codes: ReadonlySet<string> = new Set<NativeErrorCode>([
  'INVALID_ARGUMENT',
  'DISPOSED',
  'BUSY',
  'ABORTED',
  'OUT_OF_MEMORY',
  'DEVICE_UNAVAILABLE',
  'DEVICE_FAILED',
  'ADDON_MISSING',
]);

/** Runs a call into the addon: what it throws becomes a NativeError with the caller's stack. */
export function callNative<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw toNativeError(error);
  }
}

/** As {@link callNative}, for a call that gives a promise. */
export async function callNativeAsync<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toNativeError(error);
  }
}

/** The error of the addon as a NativeError; anything else as it is. */
export function toNativeError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof NativeError) return error;
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string' || !codes.has(code)) return error;
  return new NativeError(code as NativeErrorCode, error.message, { cause: error });
}
