import { join } from 'node:path';
import { expect } from 'vitest';
import { type CliOptions, runCli } from './cli.ts';
import { testFolder } from './workspace.ts';

/** Runs the command line in a folder, with cache and models of its own there, as a user's would. */
export function cliIn(
  { path }: { readonly path: string },
  args: readonly string[],
  options: CliOptions = {},
) {
  const env = {
    HEADSTART_CACHE_DIR: join(path, 'cache'),
    HEADSTART_MODELS_DIR: join(path, 'models'),
  };
  return runCli(args, { cwd: path, ...options, env: { ...env, ...options.env } });
}

/** A folder that all tests of a file share, and the command line in it. */
export function cliPlace() {
  const place = testFolder();
  const cli = (...args: string[]) => cliIn(place, args);
  /** The document of a command, which has to succeed. */
  const json = async (...args: string[]) => {
    const { code, stdout, stderr } = await cli(...args, '--json');
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout);
  };
  return { place, at: place.at, cli, json };
}
