/** Stable codes: scripts and the command line's exit codes depend on them. */
export type ErrorCode =
  | 'USAGE'
  | 'DATA_LAYOUT'
  | 'CORRECTIONS_INVALID'
  | 'IMAGE_UNREADABLE'
  | 'WEIGHTS_MISSING'
  | 'WEIGHTS_INVALID'
  | 'BACKBONE_UNSUITABLE'
  | 'DOWNLOAD_FAILED'
  | 'CACHE_UNUSABLE'
  | 'FEATURE_FILE_INVALID'
  | 'HEAD_SPEC_INVALID'
  | 'RUN_INVALID'
  | 'OUTPUT_UNWRITABLE'
  | 'GPU_REQUIRED'
  | 'TRAINING_FAILED'
  | 'FILES_SKIPPED'
  | 'BUSY'
  | 'INTERNAL';

/**
 * Every error that Headstart raises on purpose.
 *
 * `message` is one sentence for people: it names the file, option or value and what to do.
 *
 * @example
 * ```ts
 * try {
 *   await loadClassifier('runs/none');
 * } catch (error) {
 *   if (error instanceof HeadstartError && error.code === 'RUN_INVALID') console.log(error.message);
 * }
 * ```
 */
export class HeadstartError extends Error {
  readonly code: ErrorCode;
  /** The option of the library that is to be changed, where it is one: `batchSize`. */
  readonly option?: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options?: { readonly cause?: unknown; readonly option?: string | undefined },
  ) {
    super(message, options);
    this.name = 'HeadstartError';
    this.code = code;
    this.option = options?.option;
  }
}

/**
 * The text of whatever was thrown, without stack.
 *
 * @example
 * ```ts
 * const text = await loadClassifier('runs/none').catch(reasonOf);
 * ```
 */
export function reasonOf(error: unknown): string {
  if (namesStandIn(error)) return 'its name is not UTF-8: rename it, for example with convmv';
  return error instanceof Error ? error.message : String(error);
}

/**
 * Whether a file was not found because its name is not UTF-8: Node gives such a name with U+FFFD for what
 * it cannot read, and no file is called so.
 */
export function namesStandIn(error: unknown): boolean {
  const { path } = (error ?? {}) as { path?: unknown };
  return systemCode(error) === 'ENOENT' && typeof path === 'string' && path.includes('\uFFFD');
}

/** The `code` of a Node system error (`ENOENT`, `EACCES`, …), or undefined. */
export function systemCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
