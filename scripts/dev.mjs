// Installs, builds, tests and runs Headstart from a fresh clone:
//
//   node scripts/dev.mjs quickstart | test [vitest arguments] | build | clean
//
// Needs Node, a C++ compiler and CMake. pnpm comes through npx. The syntax is kept to what old
// versions of Node parse, so that they are told what is wrong.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isOlder, missingTool } from '../packages/native/compiler.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const pnpm = 'pnpm@10.34.8';
const oldestNode = [20, 19];
const packages = ['native', 'core', 'cli'].map((name) => join(root, 'packages', name));

function fail(message) {
  console.error(`error: ${message}`);
  process.exit(1);
}

function checkNode() {
  if (isOlder(process.versions.node, oldestNode)) {
    fail(
      `Headstart needs Node ${oldestNode.join('.')} or newer; this is Node ${process.versions.node}. Install a newer one from https://nodejs.org.`,
    );
  }
}

let interrupted = false;
// Ctrl-C reaches a step's process by itself: wait for it to end in order.
process.on('SIGINT', () => {
  interrupted = true;
});

/** Runs one step in the root folder; a failing step ends the script with its exit code. */
async function run(step, command, args) {
  if (interrupted) process.exit(130);
  console.log(`\n> ${step}`);
  const [code, signal] = await new Promise((resolve) => {
    const shell = process.platform === 'win32';
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', shell });
    child.once('error', (error) => fail(`${step}: ${error.message}`));
    child.once('close', (...end) => resolve(end));
  });
  // A terminal signals the processes of its group one by one: a step that ends at once may have
  // ended before this process is told.
  await new Promise((resolve) => setTimeout(resolve, 100));
  if (interrupted || signal === 'SIGINT' || code === 130) process.exit(130);
  if (code === 0) return;
  const how = signal ? `was ended by ${signal}` : `failed with exit code ${code}`;
  console.error(`error: the step "${step}" ${how}.`);
  process.exit(code || 1);
}

/** Runs a tool of the workspace. */
function tool(step, name, args) {
  const file = process.platform === 'win32' ? `${name}.cmd` : name;
  return run(step, join(root, 'node_modules', '.bin', file), args);
}

function modified(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

async function install() {
  const installed = modified(join(root, 'node_modules', '.modules.yaml'));
  const manifests = [root, ...packages].map((folder) => join(folder, 'package.json'));
  const wanted = [...manifests, join(root, 'pnpm-lock.yaml'), join(root, 'pnpm-workspace.yaml')];
  const linked = packages.every((folder) => existsSync(join(folder, 'node_modules')));
  if (linked && wanted.every((path) => modified(path) <= installed)) return;
  const npx = process.platform === 'win32' ? 'npx.cmd' : 'npx';
  await run('installing', npx, [
    '--yes',
    pnpm,
    'install',
    '--frozen-lockfile',
    '--reporter=append-only',
  ]);
}

/** @param {boolean} [forTests] Also what only tests need: the addon with an emulated GPU. */
async function build(forTests) {
  const missing = missingTool();
  if (missing) fail(missing);
  await install();
  // CUDA is compiled where nvcc is found; HEADSTART_CUDA=on|off decides otherwise.
  const cuda = (process.env.HEADSTART_CUDA || 'auto').toUpperCase();
  const compile = [
    'compile',
    ...['--directory', 'packages/native', '--out', 'packages/native/build'],
    `--CDWITH_CUDA=${cuda}`,
  ];
  await tool('building the addon', 'cmake-js', compile);
  // Its threads need ucontext, which other systems have given up.
  if (forTests && process.platform === 'linux') {
    const target = ['--target', 'headstart_emulated'];
    await tool('building the addon for an emulated GPU', 'cmake-js', [...compile, ...target]);
  }
  await tool('building TypeScript', 'tsc', ['-b']);
}

function clean() {
  for (const folder of packages) {
    for (const name of readdirSync(folder)) {
      if (name === 'dist' || name === 'build') rmSync(join(folder, name), { recursive: true });
    }
  }
}

const [command, ...args] = process.argv.slice(2);
checkNode();
switch (command) {
  case 'quickstart':
    await build();
    await run('headstart demo', process.execPath, [
      'packages/cli/bin/headstart.js',
      'demo',
      ...args,
    ]);
    break;
  case 'test':
    await build(true);
    await tool('testing', 'vitest', ['run', ...args]);
    break;
  case 'build':
    await build();
    break;
  case 'clean':
    clean();
    break;
  default:
    fail('Say what to do: quickstart, test, build or clean.');
}
