// Who imports whom, read from the sources of the packages.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repositoryRoot = fileURLToPath(new URL('../../', import.meta.url));

const packages = ['native', 'core', 'cli'];
const scope = '@headstart/';

/**
 * @typedef {object} Import one import or export … from
 * @property {string} file the importing file, from the root: `packages/core/src/index.ts`
 * @property {string} specifier as it is written
 * @property {string | undefined} target the imported file where it is in the same package
 * @property {boolean} typeOnly gone at run time
 */

/** Every import of a TypeScript text. Biome keeps them in one form, at the beginning of a line. */
export function importsOf(text) {
  const statements =
    /^(?:import|export)\b(?<type> type)?(?:(?!^(?:import|export)\b)[^;])*?\bfrom '(?<from>[^']+)';|^import '(?<bare>[^']+)';|\bimport\('(?<dynamic>[^']+)'\)/gm;
  return [...text.matchAll(statements)].map(({ groups }) => ({
    specifier: groups.from ?? groups.bare ?? groups.dynamic,
    typeOnly: groups.type !== undefined,
  }));
}

/**
 * Every import in the sources of all packages.
 *
 * @returns {Import[]}
 */
export function readImports(root = repositoryRoot) {
  return packages.flatMap((name) => {
    const source = join(root, 'packages', name, 'src');
    const files = readdirSync(source, { recursive: true }).filter((path) => path.endsWith('.ts'));
    return files.sort().flatMap((path) => {
      const file = join(source, path);
      return importsOf(readFileSync(file, 'utf8')).map(({ specifier, typeOnly }) => ({
        file: slashed(relative(root, file)),
        specifier,
        typeOnly,
        target: specifier.startsWith('.')
          ? slashed(relative(root, join(dirname(file), specifier)))
          : undefined,
      }));
    });
  });
}

const slashed = (path) => path.split(sep).join('/');

/**
 * The unit a file belongs to: `native`, `core/<folder>`, `core` (the library's face), `cli/commands`, `cli/base`, `cli` (the program).
 */
export function unitOf(file) {
  const [, name, , first, ...rest] = file.split('/');
  if (name === 'native') return name;
  if (rest.length > 0) return `${name}/${first}`;
  return first === (name === 'core' ? 'index.ts' : 'main.ts') ? name : `${name}/base`;
}

/** The unit that an import leads to, another package as a whole; undefined for what is not ours. */
export function targetUnit({ specifier, target }) {
  if (target) return unitOf(target);
  return specifier.startsWith(scope) ? specifier.slice(scope.length).split('/')[0] : undefined;
}

/** The package that an import from outside names: `sharp`, `@scope/name`; undefined for Node's own. */
export function packageOf({ specifier, target }) {
  if (target || specifier.startsWith('node:')) return undefined;
  const parts = specifier.split('/');
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}
