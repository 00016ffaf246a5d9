import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { bundledLibrary } from './bundled.ts';
import { outputErrors } from './schemas.ts';
import { repositoryRoot } from './shared.ts';

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** As of a terminal at which nobody types. Default: stdin ends after the text. */
  readonly stdinStaysOpen?: boolean;
  /** Called now and then with everything on stderr and stdout so far; true sends SIGINT, once. */
  readonly interruptWhen?: (stderr: string, stdout: string) => boolean;
}

/**
 * Runs the built command line as a process of its own, as a user does. What it prints under
 * `--json` is held against the schema of the command: another document fails the test.
 */
export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const child = spawn(
    process.execPath,
    [join(repositoryRoot, 'packages/cli/bin/headstart.js'), ...args],
    { cwd: options.cwd, env: { ...process.env, ...bundledLibrary(), ...options.env } },
  );
  let [stdout, stderr, interrupted] = ['', '', false];
  const heard = () => {
    if (interrupted || !options.interruptWhen?.(stderr, stdout)) return;
    interrupted = true;
    child.kill('SIGINT');
  };
  const timer = options.interruptWhen && setInterval(heard, 50);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    heard();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    heard();
  });
  // What a command does not read is not missed.
  child.stdin.on('error', () => {});
  child.stdin.write(options.stdin ?? '');
  if (!options.stdinStaysOpen) child.stdin.end();
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearInterval(timer);
      const wrong = args.includes('--json') ? outputErrors(args, stdout) : [];
      if (wrong.length > 0) reject(new Error(`${wrong.join('\n')}\n${stderr}`));
      else resolve({ code, stdout, stderr });
    });
  });
}
