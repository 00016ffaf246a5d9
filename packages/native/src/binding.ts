import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NativeError } from './errors.ts';
import type { NativeModule } from './native-module.ts';

const system = `${process.platform}-${process.arch}`;

/**
 * Compiled here, or put into the package. Seen from `dist/` and from `src/` alike. On Linux, an addon
 * for glibc does not load where the C library is musl (Alpine), and the other way round.
 */
const built = [
  '../build/Release/headstart.node',
  '../build/Debug/headstart.node',
  `../prebuilds/${system}/headstart.node`,
  ...(process.platform === 'linux' ? [`../prebuilds/${system}-musl/headstart.node`] : []),
];

/** The files to try; the environment variable HEADSTART_ADDON names another one instead. */
function candidates(): string[] {
  const named = process.env.HEADSTART_ADDON;
  return named
    ? [resolve(named)]
    : built.map((path) => fileURLToPath(new URL(path, import.meta.url)));
}

let loaded: NativeModule | undefined;

/**
 * The addon, loaded at the first call that needs it.
 *
 * @throws NativeError `ADDON_MISSING` naming every file tried, why it failed, and what to do
 */
export function binding(): NativeModule {
  loaded ??= load();
  return loaded;
}

function load(): NativeModule {
  const require = createRequire(import.meta.url);
  const failures: string[] = [];
  const causes: unknown[] = [];
  for (const path of candidates()) {
    try {
      return require(path) as NativeModule;
    } catch (error) {
      failures.push(`  ${path}: ${firstLine(error)}`);
      causes.push(error);
    }
  }
  throw new NativeError('ADDON_MISSING', explain(failures, causes), {
    cause: new AggregateError(causes),
  });
}

function explain(failures: readonly string[], causes: readonly unknown[]): string {
  return [
    `The native addon of @headstart/native could not be loaded on ${process.platform}-${process.arch}, Node ${process.version}:`,
    ...failures,
    adviceFor(causes),
  ].join('\n');
}

const build =
  'run `npm rebuild @headstart/native` where it is installed, or `npm run build:native` in a checkout';

function adviceFor(causes: readonly unknown[]): string {
  const codes = causes.map((cause) => (cause as { code?: unknown })?.code);
  if (codes.includes('ERR_DLOPEN_DISABLED')) {
    return 'Node was started with --no-addons (see also NODE_OPTIONS): start it without.';
  }
  if (codes.every((code) => code === 'MODULE_NOT_FOUND')) {
    return `It has not been built: ${build} (CMake 3.24 or newer and a C++20 compiler are needed).`;
  }
  return `It was built for another system, Node or compiler: ${build}.`;
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0] ?? text;
}
