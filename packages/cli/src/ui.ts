import type { ProgressListener } from '@headstart/core';
import { exitCode } from './exit-codes.ts';
import { createProgressDisplay } from './progress.ts';
import { printable } from './table.ts';

/** What a command prints through. Results go to stdout, everything else to stderr. */
export interface Ui {
  readonly json: boolean;
  /** A line about what is being done (stderr); silent under `--quiet`. */
  info(line: string): void;
  /** A line that the user must see (stderr), even under `--quiet`. */
  warn(line: string): void;
  readonly onProgress: ProgressListener;
  /** The result: `text` for people, or the document under `--json`. */
  result(document: unknown, text: string): void;
  /** Text on stdout as it is, for output that is streamed; where nobody reads it the program ends. */
  write(text: string): Promise<void>;
  /** Ends the progress line that is being drawn. */
  finish(): void;
}

export interface UiOptions {
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}

export function createUi(options: UiOptions): Ui {
  const display = createProgressDisplay(process.stderr);
  const json = options.json === true;
  const quiet = options.quiet === true;
  const print = (line: string) => {
    display.clear();
    process.stderr.write(`${printable(line)}\n`);
  };
  return {
    json,
    info: (line) => {
      if (!quiet) print(line);
    },
    warn: print,
    onProgress: (progress) => {
      if (!quiet) display.update(progress);
    },
    result: (document, text) => {
      display.finish();
      process.stdout.write(`${json ? JSON.stringify(document, null, 2) : printable(text)}\n`);
    },
    write: (text) => {
      display.clear();
      return writeToStdout(text);
    },
    finish: () => display.finish(),
  };
}

/** Waits where the reader is slower than we are; a closed pipe (`| head`) ends the program quietly. */
function writeToStdout(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text, (error?: NodeJS.ErrnoException | null) => {
      if (error?.code === 'EPIPE') process.exit(exitCode.done);
      resolve();
    });
  });
}
