import { HeadstartError, reasonOf } from '@headstart/core';
import { type ExitCode, exitCode, exitCodeOf } from './exit-codes.ts';
import { messageInFlags } from './words.ts';

/** How a command that threw ends. */
export interface Failure {
  readonly exitCode: ExitCode;
  /** For people, as it is printed on stderr. */
  readonly text: string;
  /** What is printed on stdout under `--json`. */
  readonly document: ErrorDocument;
}

export interface ErrorDocument {
  readonly error: { readonly code: string; readonly message: string };
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

export function errorDocument(code: string, message: string): ErrorDocument {
  return { error: { code, message } };
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
