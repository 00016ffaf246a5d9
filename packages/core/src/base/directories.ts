import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where things that outlive a run are kept. */
export interface Directories {
  /** The feature cache: safe to delete, costs time to fill again. */
  readonly cacheDir: string;
  /** Backbone model files. */
  readonly modelsDir: string;
}

/**
 * `HEADSTART_CACHE_DIR` and `HEADSTART_MODELS_DIR`, or else the user's cache folder as the
 * platform has it (XDG base directories, `~/Library/Caches`, `%LOCALAPPDATA%`).
 *
 * @example
 * ```ts
 * const { cacheDir, modelsDir } = defaultDirectories();
 * ```
 */
export function defaultDirectories(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: string = process.platform,
): Directories {
  const base = join(userCache(env, platform), 'headstart');
  return {
    cacheDir: env.HEADSTART_CACHE_DIR || join(base, 'features'),
    modelsDir: env.HEADSTART_MODELS_DIR || join(base, 'models'),
  };
}

/** The user's own feature cache, whatever the environment names. */
export function personalCacheDir(): string {
  const { HEADSTART_CACHE_DIR: _, ...env } = process.env;
  return defaultDirectories(env).cacheDir;
}

function userCache(env: Readonly<Record<string, string | undefined>>, platform: string): string {
  if (platform === 'win32') return env.LOCALAPPDATA || join(homedir(), 'AppData', 'Local');
  if (platform === 'darwin') return join(homedir(), 'Library', 'Caches');
  return env.XDG_CACHE_HOME || join(homedir(), '.cache');
}
