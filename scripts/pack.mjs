// Packs the three packages as they are published:
//
//   node scripts/pack.mjs [FOLDER] [--addon] [--addons PREBUILT]
//
// Writes FOLDER/*.tgz (default: packed), and says how large they are. Build first (npm run build).
// --addon puts the addon that was built here into the native package, as
// prebuilds/<platform>-<arch>/headstart.node, so that it is not compiled where it is installed;
// --addons does so with all of PREBUILT/<platform>-<arch>/headstart.node.
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
import { parseArgs } from 'node:util';
import { configSchema } from '../packages/cli/dist/config-schema.js';
import { bundleCore } from './bundle.mjs';
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

/** Where it is published from: npm's provenance holds the manifest to it. */
function repositoryOf(name) {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository } = process.env;
  if (!server || !repository) return {};
  const url = `git+${server}/${repository}.git`;
  return { repository: { type: 'git', url, directory: `packages/${name}` } };
}

/** The bundle is what is published: it stands in place of the files that it is made of. */
function publishedExports(exports) {
  const entries = Object.entries(exports).map(([path, { types, bundled, default: plain }]) => [
    path,
    { types, default: bundled ?? plain },
  ]);
  return Object.fromEntries(entries);
}

/** Puts a package together and gives its folder. */
function stage(name, into, { addon, addons }) {
  const source = join(root, 'packages', name);
  const folder = join(into, name);
  const { devDependencies: _, ...manifest } = JSON.parse(read('packages', name, 'package.json'));
  const { files: moreFiles = [], dependencies: more = {}, ...rest } = additions[name];
  const files = [...manifest.files, ...moreFiles];
  mkdirSync(folder, { recursive: true });
  // Maps lead to sources, which are not in the package; build records to this machine's paths. The
  // command is imported by nobody: its types help nobody.
  const unwanted = name === 'cli' ? /\.(map|tsbuildinfo|d\.ts)$/ : /\.(map|tsbuildinfo)$/;
  const isBundled = (path) => name === 'core' && /dist[/\\](?!bundle[/\\]).*\.js$/.test(path);
  const filter = (path) => !unwanted.test(path) && !isBundled(path);
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
  if (name === 'native' && addons) cpSync(addons, join(folder, 'prebuilds'), { recursive: true });
  const exports = manifest.exports && { exports: publishedExports(manifest.exports) };
  const dependencies = published({ ...manifest.dependencies, ...more });
  const text = JSON.stringify(
    { ...manifest, ...exports, ...repositoryOf(name), ...rest, files, dependencies },
    null,
    2,
  );
  writeFileSync(join(folder, 'package.json'), `${text}\n`);
  return folder;
}

/**
 * Writes the three .tgz files into a folder.
 *
 * @param {string} folder
 * @param {{ readonly addon?: boolean, readonly addons?: string }} [options]
 * @returns {Promise<Packed[]>} native, core, cli
 *
 * @typedef {object} Packed
 * @property {string} path
 * @property {number} size of the file, in bytes
 * @property {number} unpackedSize
 * @property {{ path: string, size: number }[]} files
 */
export async function packAll(folder, options = {}) {
  await bundleCore();
  const temporary = mkdtempSync(join(tmpdir(), 'headstart-pack-'));
  try {
    mkdirSync(folder, { recursive: true });
    return Object.keys(additions).map((name) => {
      const staged = stage(name, temporary, options);
      const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
      const args = ['pack', staged, '--pack-destination', folder, '--json'];
      const [packed] = JSON.parse(
        execFileSync(npm, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
      );
      return { ...packed, path: join(folder, packed.filename) };
    });
  } finally {
    rmSync(temporary, { recursive: true });
  }
}

const inKilobytes = (bytes) => `${(bytes / 1000).toFixed(0)} kB`;

/** A package with its size and its largest files, for people. */
export function describePacked({ path, size, unpackedSize, files }) {
  const largest = [...files].sort((a, b) => b.size - a.size).slice(0, 3);
  const named = largest.map((file) => `${file.path} ${inKilobytes(file.size)}`).join(', ');
  return `${path}: ${inKilobytes(size)}, unpacked ${inKilobytes(unpackedSize)} in ${files.length} files; ${named}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    options: { addon: { type: 'boolean' }, addons: { type: 'string' } },
    allowPositionals: true,
  });
  for (const packed of await packAll(resolve(positionals[0] ?? 'packed'), values)) {
    console.log(describePacked(packed));
  }
}
