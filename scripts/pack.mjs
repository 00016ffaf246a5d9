// Packs the three packages as they are published:
//
//   node scripts/pack.mjs [FOLDER] [--addon]
//
// Writes FOLDER/*.tgz (default: packed). Build first (npm run build). --addon puts the addon that was
// built here into the native package, as prebuilds/<platform>-<arch>/headstart.node, so that it is not
// compiled where it is installed.
//
// A package in the workspace differs from the published one: there, no install script may run, what
// several packages share has one version in pnpm-workspace.yaml, and licence and manifest of the
// weights stand at the root. So packages are put together in a temporary folder.
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { configSchema } from '../packages/cli/dist/config-schema.js';
import { program } from './docs/program.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const read = (...parts) => readFileSync(join(root, ...parts), 'utf8');
const own = JSON.parse(read('package.json'));
const catalog = read('pnpm-workspace.yaml');

/** `workspace:*` and `catalog:` as the versions that they stand for. */
function published(dependencies) {
  return Object.fromEntries(
    Object.entries(dependencies).map(([name, version]) => {
      if (version === 'workspace:*') return [name, own.version];
      if (version !== 'catalog:') return [name, version];
      const listed = new RegExp(`^ {2}'?${name}'?: (\\S+)$`, 'm').exec(catalog)?.[1];
      if (!listed) throw new Error(`${name} is not in the catalog of pnpm-workspace.yaml`);
      return [name, listed];
    }),
  );
}

/** What a published manifest has besides: by package. */
const additions = {
  native: {
    scripts: { install: 'node install.mjs' },
    files: ['install.mjs', 'compiler.mjs', 'prebuilds'],
    dependencies: { 'cmake-js': own.devDependencies['cmake-js'] },
  },
  core: { files: ['models/manifest.json'] },
  // Of light-my-request, whose range has versions in it that need Node 22: without a lock file, npm
  // would take one of those.
  cli: { dependencies: { cookie: '1.1.1' } },
};

/** Puts a package together and gives its folder. */
function stage(name, into, { addon }) {
  const source = join(root, 'packages', name);
  const folder = join(into, name);
  const { devDependencies: _, ...manifest } = JSON.parse(read('packages', name, 'package.json'));
  const { files: moreFiles = [], dependencies: more = {}, ...rest } = additions[name];
  const files = [...manifest.files, ...moreFiles];
  mkdirSync(folder, { recursive: true });
  // Maps lead to sources, which are not in the package; build records to this machine's paths.
  const filter = (path) => !/\.(map|tsbuildinfo)$/.test(path);
  for (const file of [...files, 'README.md']) {
    if (!existsSync(join(source, file))) continue;
    cpSync(join(source, file), join(folder, file), { recursive: true, filter });
  }
  if (name === 'cli') {
    const schema = JSON.stringify(configSchema(program), null, 2);
    writeFileSync(join(folder, 'headstart.schema.json'), `${schema}\n`);
  }
  cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  if (name === 'core')
    cpSync(join(root, 'models/manifest.json'), join(folder, 'models/manifest.json'));
  if (name === 'native' && addon) {
    const place = join(folder, 'prebuilds', `${process.platform}-${process.arch}`);
    cpSync(join(source, 'build/Release/headstart.node'), join(place, 'headstart.node'));
  }
  const dependencies = published({ ...manifest.dependencies, ...more });
  const text = JSON.stringify({ ...manifest, ...rest, files, dependencies }, null, 2);
  writeFileSync(join(folder, 'package.json'), `${text}\n`);
  return folder;
}

/**
 * Writes the three .tgz files into a folder.
 *
 * @param {string} folder
 * @param {{ readonly addon?: boolean }} [options]
 * @returns {string[]} their paths: native, core, cli
 */
export function packAll(folder, { addon = false } = {}) {
  const temporary = mkdtempSync(join(tmpdir(), 'headstart-pack-'));
  try {
    mkdirSync(folder, { recursive: true });
    return Object.keys(additions).map((name) => {
      const staged = stage(name, temporary, { addon });
      const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
      const args = ['pack', staged, '--pack-destination', folder, '--json'];
      const [packed] = JSON.parse(
        execFileSync(npm, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
      );
      return join(folder, packed.filename);
    });
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2);
  const folder = resolve(args.find((arg) => !arg.startsWith('--')) ?? 'packed');
  for (const file of packAll(folder, { addon: args.includes('--addon') })) console.log(file);
}
