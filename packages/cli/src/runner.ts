import type { NoticeListener } from '@headstart/core';
import type { ExitCode } from './exit-codes.ts';
import type { Ui } from './ui.ts';
import { inFlags } from './words.ts';

/** What a command gets besides its arguments. */
export interface CommandContext {
  readonly ui: Ui;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Makes of a command's work the action that commander calls, with errors and exit code handled. */
export type Runner = (
  // biome-ignore lint/suspicious/noExplicitAny: commander passes a command's own arguments and options
  run: (context: CommandContext, ...args: any[]) => Promise<ExitCode | undefined>,
) => (...args: unknown[]) => Promise<void>;

/** Prints the notices of a job. */
export function noticesTo(ui: Ui): NoticeListener {
  return ({ level, text }) => {
    const said = inFlags(text);
    if (level === 'warning') ui.warn(`warning: ${said}`);
    else ui.info(said);
  };
}
