/** What every long operation accepts. */
export interface OperationOptions {
  /** Aborting rejects the operation with `signal.reason`; finished work is kept. */
  readonly signal?: AbortSignal | undefined;
}

/** Where a long operation stands. `total` is undefined where it is not known beforehand. */
export interface Progress {
  /** What is being done, in the user's words: `hashing`, `features`, `download`, `training`. */
  readonly stage: string;
  readonly done: number;
  readonly total?: number | undefined;
  /** What is counted: `images`, `files`, `bytes`, `epochs`. */
  readonly unit: string;
  /** Of `done`, how many were found in the cache and cost nothing. */
  readonly reused?: number | undefined;
}

export type ProgressListener = (progress: Progress) => void;

export interface LongOperationOptions extends OperationOptions {
  readonly onProgress?: ProgressListener | undefined;
}

/**
 * True for the error with which an aborted operation rejects.
 *
 * @example
 * ```ts
 * const controller = new AbortController();
 * const training = train({ data: 'fruit', backbone: 'vgg16', signal: controller.signal });
 * controller.abort();
 * await training.catch((error) => {
 *   if (!isAbort(error, controller.signal)) throw error;
 * });
 * ```
 */
export function isAbort(error: unknown, signal?: AbortSignal): boolean {
  if (signal?.aborted && error === signal.reason) return true;
  return error instanceof Error && error.name === 'AbortError';
}

/** Something that the user should know: `warning` where it changes what the result is worth. */
export interface Notice {
  readonly level: 'info' | 'warning';
  readonly text: string;
  /** `SAME_BYTES`: images of the same bytes are under two classes, or in training and in another part. */
  readonly code?: 'SAME_BYTES' | undefined;
}

export type NoticeListener = (notice: Notice) => void;
