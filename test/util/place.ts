import { join } from 'node:path';
import { type CliOptions, runCli } from './cli.ts';
import type { TemporaryFolder } from './workspace.ts';

/** Runs the command line in a folder, with cache and models of its own there, as a user's would. */
export function cliIn(
  { path }: TemporaryFolder,
  args: readonly string[],
  options: CliOptions = {},
) {
  const env = {
    HEADSTART_CACHE_DIR: join(path, 'cache'),
    HEADSTART_MODELS_DIR: join(path, 'models'),
  };
  return runCli(args, { cwd: path, ...options, env: { ...env, ...options.env } });
}
