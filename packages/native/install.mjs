// Puts the addon in place where @headstart/native is installed from a registry or a .tgz: `npm
// install` and `npm rebuild @headstart/native` run it. In a checkout, npm run build:native does.
//
// The addon is, in this order: the file that HEADSTART_ADDON names (at run time as well),
// prebuilds/<platform>-<arch>/headstart.node (-musl on Alpine) where one is in the package and
// HEADSTART_CUDA is not on, or compiled here.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missingTool } from './compiler.mjs';

const folder = fileURLToPath(new URL('.', import.meta.url));
const require = createRequire(import.meta.url);

function loads(path) {
  try {
    require(path);
    return true;
  } catch (error) {
    console.log(`@headstart/native: ${path} cannot be used: ${error.message.split('\n')[0]}`);
    return false;
  }
}

function fail(message) {
  console.error(`error: @headstart/native has to be compiled on this system. ${message}`);
  console.error(
    'Then: npm rebuild @headstart/native. An addon that was compiled elsewhere for the same system may be named in HEADSTART_ADDON instead.',
  );
  process.exit(1);
}

/** Compiles the addon; with CUDA where nvcc is found, unless HEADSTART_CUDA=on|off decides. */
function compile() {
  const missing = missingTool();
  if (missing) fail(missing);
  const cuda = (process.env.HEADSTART_CUDA || 'auto').toUpperCase();
  const cmakeJs = require.resolve('cmake-js/bin/cmake-js');
  const args = ['compile', '--directory', folder, '--out', join(folder, 'build')];
  try {
    execFileSync(
      process.execPath,
      [cmakeJs, ...args, `--CDWITH_CUDA=${cuda}`, '--target', 'headstart'],
      {
        stdio: 'inherit',
      },
    );
  } catch {
    fail('The compiler’s messages are above.');
  }
  // Only the addon is needed from here on.
  const build = join(folder, 'build');
  for (const name of readdirSync(build)) {
    if (name !== 'Release') rmSync(join(build, name), { recursive: true });
  }
}

/** Those of this system that there are. */
function prebuiltAddons() {
  const system = `${process.platform}-${process.arch}`;
  return [system, `${system}-musl`]
    .map((name) => join(folder, 'prebuilds', name, 'headstart.node'))
    .filter((path) => existsSync(path));
}

const wantsCuda = (process.env.HEADSTART_CUDA || '').toLowerCase() === 'on';
const named = process.env.HEADSTART_ADDON && resolve(process.env.HEADSTART_ADDON);
if (named) {
  if (!loads(named)) process.exit(1);
  console.log(`@headstart/native: uses ${named}, nothing is compiled.`);
} else {
  const prebuilt = wantsCuda ? undefined : prebuiltAddons().find(loads);
  if (prebuilt) console.log(`@headstart/native: uses ${prebuilt}, nothing is compiled.`);
  else compile();
}
