import { type ErrorCode, HeadstartError, isAbort, reasonOf } from '@headstart/core';
import { type ErrorDocument, errorDocument } from './documents.ts';
import { type ExitCode, exitCode } from './exit-codes.ts';
import { messageInFlags } from './words.ts';

/** How a command that threw ends. */
export interface Failure {
  readonly exitCode: ExitCode;
  /** For people, as it is printed on stderr. */
  readonly text: string;
  /** What is printed on stdout under `--json`. */
  readonly document: ErrorDocument;
}

/** @param signal of the command: aborted by Ctrl-C */
export function failureOf(error: unknown, signal: AbortSignal): Failure {
  const code = exitCodeOf(error, signal);
  if (code === exitCode.interrupted) {
    const message = interruptedText(error);
    return { exitCode: code, text: message, document: errorDocument('INTERRUPTED', message) };
  }
  const message = messageOf(error);
  const name = error instanceof HeadstartError ? error.code : 'INTERNAL';
  return { exitCode: code, text: `error: ${message}`, document: errorDocument(name, message) };
}

function interruptedText(error: unknown): string {
  const kept = 'Interrupted. What was done is kept; the same command goes on from there.';
  return error instanceof HeadstartError ? `${messageInFlags(error)}\n${kept}` : kept;
}

function messageOf(error: unknown): string {
  if (error instanceof HeadstartError) return messageInFlags(error);
  const stack = error instanceof Error ? error.stack : undefined;
  return `an unexpected failure, please report it: ${stack ?? reasonOf(error)}`;
}

const byErrorCode: Partial<Record<ErrorCode, ExitCode>> = {
  USAGE: exitCode.usage,
  DATA_LAYOUT: exitCode.usage,
  CORRECTIONS_INVALID: exitCode.usage,
  HEAD_SPEC_INVALID: exitCode.usage,
  FILES_SKIPPED: exitCode.filesSkipped,
  GPU_REQUIRED: exitCode.gpuAbsent,
};

/** The exit code with which a command that threw `error` ends. */
function exitCodeOf(error: unknown, signal: AbortSignal): ExitCode {
  if (signal.aborted || isAbort(error)) return exitCode.interrupted;
  if (error instanceof HeadstartError) return byErrorCode[error.code] ?? exitCode.failed;
  return exitCode.failed;
}
