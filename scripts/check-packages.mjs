// Uses the published packages as a stranger does, and writes what happened:
//
//   node scripts/check-packages.mjs [--node 20.19.0,24] [--log FILE] [--quick]
//
// Packs the three packages, has publint and attw look at them, then for each version of Node (from npm,
// default 20, 22 and 24): installs them into an empty project with an empty npm cache and no script but
// our own, runs `npx headstart demo`, and labels images through `@headstart/core` by a program in
// JavaScript and one in TypeScript. With the first version of Node the addon is compiled,
// with the others (and with --quick in all) it is the one that was built here, as one file serves all.
// Then: what is said where there is no compiler, and that a prebuilt addon and HEADSTART_ADDON need
// none. Build first (npm run build).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describePacked, packAll } from './pack.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({
  options: {
    node: { type: 'string', default: '20,22,24' },
    log: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
});
const place = mkdtempSync(join(tmpdir(), 'headstart-packages-'));
const lines = [];

function say(text) {
  console.log(text);
  lines.push(text);
}

function fail(message) {
  say(`error: ${message}`);
  finish(1);
}

function finish(code) {
  if (values.log) {
    const text = lines
      .join('\n')
      .replaceAll(place, '/tmp/trial')
      .replaceAll(root, '/tmp/headstart');
    writeFileSync(values.log, `${text}\n`);
  }
  rmSync(place, { recursive: true, force: true });
  process.exit(code);
}

/** Runs a command and shows it with the end of what it printed; it must end with `expected`. */
function run(command, args, { cwd, env, expected = 0, shown = 12, stdoutOnly = false }) {
  const started = performance.now();
  const result = spawnSync(command, args, { cwd, env, encoding: 'utf8', maxBuffer: 2 ** 28 });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  // Progress first, then the result, as on a terminal.
  const text = `${result.stderr}${result.stdout}`.trim();
  say(`\n$ ${[command, ...args].join(' ')}    # ${seconds} s, exit code ${result.status}`);
  const printed = text.split('\n');
  const begin = Math.max(0, printed.length - shown);
  if (begin > 0) say(`  … ${begin} lines`);
  for (const line of printed.slice(begin)) say(`  ${line}`);
  if (result.status !== expected) {
    fail(
      `${command} ${args[0]} ended with exit code ${result.status}, not ${expected}: ${result.error ?? text.slice(-3000)}`,
    );
  }
  return stdoutOnly ? result.stdout : text;
}

function expectText(text, wanted) {
  if (!text.includes(wanted)) fail(`"${wanted}" was not said.`);
}

/** Node in one version, with npm, as the only thing on the PATH beside the system's. */
function nodeOf(version) {
  const tools = join(place, `node-${version}`);
  mkdirSync(tools, { recursive: true });
  const name = `node-${process.platform}-${process.arch}`;
  const env = { ...process.env, npm_config_cache: join(place, 'tool-cache') };
  writeFileSync(join(tools, 'package.json'), '{ "private": true }');
  run('npm', ['install', `${name}@${version}`, 'npm@11.19.1', '--no-audit', '--no-fund'], {
    cwd: tools,
    env,
  });
  const bin = join(tools, 'bin');
  mkdirSync(bin);
  symlinkSync(join(tools, 'node_modules', name, 'bin/node'), join(bin, 'node'));
  for (const tool of ['npm', 'npx'])
    symlinkSync(join(tools, 'node_modules/.bin', tool), join(bin, tool));
  return bin;
}

/** An empty project, with a cache of npm's of its own and nothing of Headstart's anywhere. */
function emptyProject(name, path) {
  const folder = join(place, name);
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'package.json'),
    '{ "name": "trial", "version": "1.0.0", "private": true, "type": "module" }\n',
  );
  const { HEADSTART_ADDON: _, ...rest } = process.env;
  const env = {
    ...rest,
    PATH: path.join(delimiter),
    HOME: join(folder, 'home'),
    npm_config_cache: join(folder, 'npm-cache'),
    npm_config_update_notifier: 'false',
    HEADSTART_CUDA: 'off',
    HEADSTART_CACHE_DIR: join(folder, 'features'),
    HEADSTART_MODELS_DIR: join(folder, 'models'),
  };
  return { cwd: folder, env };
}

const installFlags = ['--ignore-scripts', '--no-audit', '--no-fund'];

/** What a user's own program does with a run of the demo. */
const program = `
import { loadClassifier } from '@headstart/core';
import { readdirSync } from 'node:fs';
const folder = 'headstart-demo/traffic-lights/held-out';
const files = readdirSync(folder).map((name) => folder + '/' + name);
const classifier = await loadClassifier('headstart-demo/run');
try {
  for await (const item of classifier.classify(files)) console.log(item.name, item.label ?? item.error);
} finally {
  await classifier.close();
}
`;

const typed = `
import { type Classified, loadClassifier, readRun, type Run } from '@headstart/core';
import { type FeatureCache, listCache } from '@headstart/core/features';
import { type HeadSpec, trainHeads } from '@headstart/core/head';
import { backboneOptions } from '@headstart/core/options';
const { record }: Run = await readRun('headstart-demo/run');
await using classifier = await loadClassifier('headstart-demo/run');
const file = 'headstart-demo/traffic-lights/held-out/red-000.png';
for await (const item of classifier.classify([file])) show(item);
function show(item: Classified): void {
  console.log('error' in item ? item.error : item.label, record.classes.length);
}
export type Named = [FeatureCache, HeadSpec, typeof trainHeads, typeof listCache];
console.log(typeof trainHeads, typeof listCache, backboneOptions.backbone.default);
`;

function useWith(version, tarballs) {
  const bin = nodeOf(version);
  const at = emptyProject(`project-${version}`, [bin, process.env.PATH]);
  run('node', ['--version'], at);
  run('npm', ['install', ...installFlags, ...tarballs], { ...at, shown: 6 });
  run('npm', ['rebuild', '@headstart/native'], { ...at, shown: 6 });
  run('npx', ['headstart', 'doctor'], at);
  run('npx', ['headstart', 'demo'], { ...at, shown: 14 });
  // Where the weights come from is read off the manifest in the package.
  const from = 'https://127.0.0.1:9/model.safetensors';
  expectText(
    run('npx', ['headstart', 'pull', '--from', from], { ...at, expected: 1 }),
    '127.0.0.1',
  );
  writeFileSync(join(at.cwd, 'label.mjs'), program);
  expectText(run('node', ['label.mjs'], at), 'red');
  writeFileSync(join(at.cwd, 'typed.ts'), typed);
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const compiled = ['--strict', '--module', 'nodenext', '--target', 'es2023'];
  const libraries = ['--lib', 'es2023,esnext.disposable', '--types', 'node'];
  const types = ['--typeRoots', join(root, 'node_modules/@types')];
  // All declarations are checked, ours and those that they import: no --skipLibCheck.
  run('node', [tsc, ...compiled, ...libraries, ...types, 'typed.ts'], at);
  expectText(run('node', ['typed.js'], at), 'function function vgg16');
}

/** publint, and of what can be imported attw: entry points and types, as Node's ES modules find them. */
function checkManifests(tarballs) {
  const at = { cwd: place, env: process.env };
  for (const file of tarballs) {
    run('npx', ['--yes', 'publint@0.3.25', file, '--strict'], { ...at, shown: 2 });
    // The command has no entry point but its bin.
    if (/headstart-\d/.test(file)) continue;
    const attw = ['--yes', '@arethetypeswrong/cli@0.18.5', file, '--profile', 'esm-only'];
    run('npx', [...attw, '--format', 'ascii'], { ...at, shown: 60 });
  }
}

/** Tools that a system without a compiler still has. */
function barePath(bin) {
  const folder = join(place, 'bare');
  mkdirSync(folder);
  for (const tool of ['sh', 'env', 'uname', 'ls', 'cat', 'mkdir', 'sed', 'dirname']) {
    const found = ['/usr/bin', '/bin'].map((at) => join(at, tool)).find((path) => existsSync(path));
    if (found) symlinkSync(found, join(folder, tool));
  }
  return [bin, folder];
}

function withoutCompiler(version, plain, prebuilt) {
  const path = barePath(join(place, `node-${version}`, 'bin'));
  const bare = emptyProject('project-bare', path);
  run('npm', ['install', ...installFlags, ...plain], { ...bare, shown: 3 });
  const refused = run('npm', ['rebuild', '@headstart/native'], { ...bare, expected: 1, shown: 30 });
  expectText(refused, 'has to be compiled on this system');
  const missing = run('npx', ['headstart', 'doctor'], { ...bare, expected: 1 });
  expectText(missing, 'npm rebuild @headstart/native');
  const addon = join(root, 'packages/native/build/Release/headstart.node');
  const named = { ...bare, env: { ...bare.env, HEADSTART_ADDON: addon } };
  expectText(
    run('npm', ['rebuild', '@headstart/native', '--foreground-scripts'], named),
    'nothing is compiled',
  );
  run('npx', ['headstart', 'doctor'], named);
  const ready = emptyProject('project-prebuilt', path);
  run('npm', ['install', ...installFlags, ...prebuilt], { ...ready, shown: 3 });
  const rebuilt = run('npm', ['rebuild', '@headstart/native', '--foreground-scripts'], ready);
  expectText(rebuilt, 'nothing is compiled');
  run('npx', ['headstart', 'doctor'], ready);
}

/** What is installed, with licences, as npm writes it down. */
function billOfMaterials(version) {
  const at = emptyProject(`project-${version}-sbom`, [
    join(place, `node-${version}`, 'bin'),
    process.env.PATH,
  ]);
  at.cwd = join(place, `project-${version}`);
  const text = run('npm', ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev'], {
    ...at,
    shown: 1,
    stdoutOnly: true,
  });
  const { components } = JSON.parse(text);
  say(`  ${components.length} packages are installed`);
}

const versions = values.node.split(',');
const packed = resolve(place, 'packed');
const packages = await packAll(join(packed, 'plain'));
const plain = packages.map(({ path }) => path);
const withAddon = await packAll(join(packed, 'prebuilt'), { addon: true });
const prebuilt = withAddon.map(({ path }) => path);
say(`# Packages of Headstart, tried on ${process.platform}-${process.arch}`);
for (const one of packages) say(`  ${describePacked(one)}`);
say('\n## What the packages say of themselves');
checkManifests(plain);
for (const [i, version] of versions.entries()) {
  const compiled = i === 0 && !values.quick;
  say(`\n## Node ${version}, the addon ${compiled ? 'compiled' : 'prebuilt'}`);
  useWith(version, compiled ? plain : prebuilt);
}
say('\n## What is installed');
billOfMaterials(versions[0]);
say('\n## Without a compiler');
withoutCompiler(versions[0], plain, prebuilt);
say('\nAll is well.');
finish(0);
