// docs/licences.md: what the published packages bring along, with licences, from what is installed.
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { repositoryRoot } from './imports.mjs';

const manifestOf = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

/** The folder in which a package finds another one that it depends on. */
function resolvePackage(from, name) {
  for (let folder = realpathSync(from); ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name);
    if (existsSync(join(found, 'package.json'))) return realpathSync(found);
    if (folder === dirname(folder))
      throw new Error(`${name}, which ${from} needs, is not installed`);
  }
}

/**
 * Everything that the packages depend on, and those depend on. Optional packages are left out: they
 * are binaries for one platform, of the package that names them and under its licence, but for
 * libvips, of which the page speaks.
 */
function dependencies() {
  const found = new Map();
  const visit = (folder, names, neededBy) => {
    for (const name of names) {
      const at =
        name === 'cmake-js'
          ? join(repositoryRoot, 'node_modules', name)
          : resolvePackage(folder, name);
      const { version, license, dependencies: more = {} } = manifestOf(at);
      const key = `${name}@${version}`;
      const users = found.get(key)?.users ?? new Set();
      users.add(neededBy);
      if (found.has(key)) continue;
      found.set(key, { name, version, licence: licenceText(license), users });
      visit(realpathSync(at), Object.keys(more), name);
    }
  };
  for (const name of ['native', 'core', 'cli']) {
    const folder = join(repositoryRoot, 'packages', name);
    const own = Object.keys(manifestOf(folder).dependencies).filter(
      (one) => !one.startsWith('@headstart/'),
    );
    visit(folder, [...own, ...(name === 'native' ? ['cmake-js'] : [])], `packages/${name}`);
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** Old manifests have an object, or a list of them. */
export function licenceText(license) {
  if (Array.isArray(license)) return license.map(licenceText).join(' OR ');
  return typeof license === 'string' ? license : (license?.type ?? 'see the package');
}

export function licenceTables() {
  const all = dependencies();
  const byLicence = new Map();
  for (const one of all) byLicence.set(one.licence, [...(byLicence.get(one.licence) ?? []), one]);
  const counts = [...byLicence].sort(([, a], [, b]) => b.length - a.length);
  const summary = counts.map(([licence, { length }]) => `| ${licence} | ${length} |`);
  const rows = all.map(
    ({ name, version, licence, users }) =>
      `| ${name} | ${version} | ${licence} | ${[...users].join(', ')} |`,
  );
  return [
    ['| licence | packages |', '|---|---|', ...summary].join('\n'),
    ['| package | version | licence | needed by |', '|---|---|---|---|', ...rows].join('\n'),
  ].join('\n\n');
}
