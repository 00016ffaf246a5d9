import { type ErrorCode, HeadstartError, isAbort } from '@headstart/core';

/** Exit codes of the `headstart` command: a contract with scripts that call it. */
export const exitCode = {
  done: 0,
  failed: 1,
  usage: 2,
  filesSkipped: 3,
  belowAccuracy: 4,
  gpuAbsent: 5,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

const byErrorCode: Partial<Record<ErrorCode, ExitCode>> = {
  USAGE: exitCode.usage,
  DATA_LAYOUT: exitCode.usage,
  CORRECTIONS_INVALID: exitCode.usage,
  HEAD_SPEC_INVALID: exitCode.usage,
  FILES_SKIPPED: exitCode.filesSkipped,
  GPU_REQUIRED: exitCode.gpuAbsent,
};

/** The exit code with which a command that threw `error` ends. */
export function exitCodeOf(error: unknown, signal: AbortSignal): ExitCode {
  if (signal.aborted || isAbort(error)) return exitCode.interrupted;
  if (error instanceof HeadstartError) return byErrorCode[error.code] ?? exitCode.failed;
  return exitCode.failed;
}
