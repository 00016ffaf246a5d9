import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { repositoryRoot } from './shared.ts';

export interface ScriptOptions {
  readonly nodeOptions?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a module's text in a process of its own; a hang or a signal is a result like others. */
export async function runModule(text: string, { nodeOptions = [], env }: ScriptOptions = {}) {
  const args = [...nodeOptions, '--input-type=module', '-e', text];
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      cwd: repositoryRoot,
      timeout: 60_000,
      env: { ...process.env, ...env },
    });
    return { code: 0, signal: null, stdout };
  } catch (error) {
    const { code, signal, stdout } = error as { code: number; signal: string; stdout: string };
    return { code, signal, stdout };
  }
}
