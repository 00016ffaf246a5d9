// Holds the licence of every installed package, those for development and for one platform included,
// to what is allowed:
//
//   node scripts/check-licences.mjs
//
// Prints what is not allowed and ends with exit code 1 then; `npm run lint` runs it. Install first.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { licenceText } from './docs/licences.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** SPDX identifiers that ask for no more than naming the authors. */
const allowed = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'Unlicense',
]);

/** Packages under another licence, each read by a person: why they may be used. */
const exceptions = [
  {
    names: /^h5wasm$/,
    licence: 'SEE LICENSE IN LICENSE.txt',
    reason: 'NIST public service software, with HDF5 under a BSD licence',
  },
  {
    names: /^@img\/sharp-libvips-/,
    licence: 'LGPL-3.0-or-later',
    reason: 'shared libraries of their own, which may be replaced',
  },
  {
    names: /^@img\/sharp-win32-/,
    licence: 'Apache-2.0 AND LGPL-3.0-or-later',
    reason: 'the same, in one package with the addon that loads them',
  },
  {
    names: /^lightningcss(-|$)/,
    licence: 'MPL-2.0',
    reason: 'of the test runner, unchanged, and in no package of ours',
  },
];

/**
 * Whether an SPDX expression of identifiers, `AND`, `OR` and parentheses can be met by what is allowed.
 *
 * @param {string} expression
 */
export function isAllowed(expression) {
  const words = expression.match(/\(|\)|[^\s()]+/g) ?? [];
  let place = 0;
  const one = () => {
    const word = words[place++];
    if (word !== '(') return allowed.has(word);
    const inner = either();
    return words[place++] === ')' && inner;
  };
  const both = () => {
    let met = one();
    while (words[place]?.toUpperCase() === 'AND') {
      place++;
      met = one() && met;
    }
    return met;
  };
  const either = () => {
    let met = both();
    while (words[place]?.toUpperCase() === 'OR') {
      place++;
      met = both() || met;
    }
    return met;
  };
  return either() && place === words.length;
}

const isException = ({ name, licence }) =>
  exceptions.some((one) => one.names.test(name) && one.licence === licence);

/**
 * Packages whose licence is not allowed, one sentence each.
 *
 * @param {readonly { name: string, version: string, licence: string }[]} packages
 * @returns {string[]}
 */
export function disallowed(packages) {
  return packages
    .filter((one) => !isAllowed(one.licence) && !isException(one))
    .map(({ name, version, licence }) => `${name} ${version}: ${licence || 'no licence is named'}`);
}

/** Every package that pnpm put into node_modules. */
export function installedPackages() {
  const store = join(root, 'node_modules/.pnpm');
  const found = new Map();
  for (const entry of readdirSync(store)) {
    const inside = join(store, entry, 'node_modules');
    if (entry === 'node_modules' || !existsSync(inside)) continue;
    // `a@1.0.0_peers` and `@scope+a@1.0.0`: the rest in the folder is linked from elsewhere.
    const [, scope, plain] = /^(?:(@[^+]+)\+)?([^@]+)@/.exec(entry) ?? [];
    const folder = join(inside, ...(scope ? [scope, plain] : [plain]));
    const { name, version, license, licenses } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8'),
    );
    found.set(`${name}@${version}`, { name, version, licence: licenceText(license ?? licenses) });
  }
  return [...found.values()];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const packages = installedPackages();
  const wrong = disallowed(packages);
  for (const line of wrong) console.error(`error: ${line}`);
  if (wrong.length > 0) {
    console.error(
      'Read the licence. Where it may be used, add it to scripts/check-licences.mjs with the reason; else take another package.',
    );
    process.exitCode = 1;
  } else console.log(`The licences of ${packages.length} packages are allowed.`);
}
