import { homedir } from 'node:os';
import { join } from 'node:path';
import { HeadstartError } from './errors.ts';

/** Where things that outlive a run are kept. */
export interface Directories {
  /** The feature cache: safe to delete, costs time to fill again. */
  readonly cacheDir: string;
  /** Backbone model files. */
  readonly modelsDir: string;
}

/**
 * `HEADSTART_CACHE_DIR` and `HEADSTART_MODELS_DIR`, or else the user's cache folder as the
 * platform has it (XDG base directories, `~/Library/Caches`, `%LOCALAPPDATA%`). A user without a home
 * folder has a default only where a variable gives it: reading the property throws otherwise.
 *
 * @throws HeadstartError `USAGE`
 * @example
 * ```ts
 * const { cacheDir, modelsDir } = defaultDirectories();
 * ```
 */
export function defaultDirectories(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: string = process.platform,
): Directories {
  const inCache = (name: string, option: keyof Directories, variable: string) => {
    const folder = userCache(env, platform);
    if (folder !== undefined) return join(folder, 'headstart', name);
    throw new HeadstartError(
      'USAGE',
      `This user has no home folder, so \`${option}\` has no default: give \`${option}\`, or set ${variable}.`,
      { option },
    );
  };
  return {
    get cacheDir() {
      return env.HEADSTART_CACHE_DIR || inCache('features', 'cacheDir', 'HEADSTART_CACHE_DIR');
    },
    get modelsDir() {
      return env.HEADSTART_MODELS_DIR || inCache('models', 'modelsDir', 'HEADSTART_MODELS_DIR');
    },
  };
}

/** The user's own feature cache, whatever the environment names; undefined without a home folder. */
export function personalCacheDir(): string | undefined {
  const folder = userCache(process.env, process.platform);
  return folder && join(folder, 'headstart', 'features');
}

function userCache(
  env: Readonly<Record<string, string | undefined>>,
  platform: string,
): string | undefined {
  if (platform === 'win32' && env.LOCALAPPDATA) return env.LOCALAPPDATA;
  const isUnix = platform !== 'win32' && platform !== 'darwin';
  if (isUnix && env.XDG_CACHE_HOME) return env.XDG_CACHE_HOME;
  const home = homeFolder();
  if (home === undefined || isUnix) return home && join(home, '.cache');
  return platform === 'darwin' ? join(home, 'Library', 'Caches') : join(home, 'AppData', 'Local');
}

/** Undefined where neither the environment nor the system's list of users knows one. */
function homeFolder(): string | undefined {
  try {
    return homedir() || undefined;
  } catch {
    return undefined;
  }
}
