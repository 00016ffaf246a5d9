import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fileCycles, violations } from '../../scripts/docs/architecture.mjs';
import { importsOf, packageOf, readImports } from '../../scripts/docs/imports.mjs';
import { repositoryRoot } from '../util/shared.ts';

const all = readImports();
const read = (path: string) => readFileSync(join(repositoryRoot, path), 'utf8');

/** The project's imports and one more. */
function withImport(file: string, specifier: string, target?: string) {
  return [...all, { file, specifier, target, typeOnly: false }];
}

describe('the architecture', () => {
  it('is what the table says: cli → core → native, folders through their index.ts', () => {
    expect(violations(all)).toEqual([]);
  });

  it('refuses an import against the direction', () => {
    expect(
      violations(
        withImport(
          'packages/core/src/image/view.ts',
          '../run/index.ts',
          'packages/core/src/run/index.ts',
        ),
      ),
    ).toContain(
      'packages/core/src/image/view.ts imports ../run/index.ts: core/image may not import core/run',
    );
    expect(violations(withImport('packages/native/src/errors.ts', '@headstart/core'))).toContain(
      'packages/native/src/errors.ts imports @headstart/core: native may not import core',
    );
  });

  it('refuses an import past a folder’s index.ts', () => {
    const imports = withImport(
      'packages/core/src/run/read.ts',
      '../head/weights.ts',
      'packages/core/src/head/weights.ts',
    );
    expect(violations(imports)).toContain(
      'packages/core/src/run/read.ts imports ../head/weights.ts, past the index.ts of core/head',
    );
  });

  it('refuses a folder that is not in the table, and an entry that no file uses', () => {
    const added = withImport('packages/core/src/new/a.ts', '../base/errors.ts');
    expect(violations(added)).toContain(
      'core/new is not in the table of scripts/docs/architecture.mjs',
    );
    const without = all.filter(({ file }) => !file.startsWith('packages/core/src/machine/'));
    expect(violations(without)).toContain(
      'core/machine does not import core/backbone: take it out of the table',
    );
  });

  it('sees files that import each other in a ring, types included', () => {
    const edge = (file: string, target: string, typeOnly = false) => ({
      file,
      target,
      specifier: target,
      typeOnly,
    });
    expect(fileCycles([edge('a', 'b'), edge('b', 'c'), edge('c', 'a')])).toEqual([
      ['a', 'b', 'c', 'a'],
    ]);
    expect(fileCycles([edge('a', 'b'), edge('b', 'a', true)])).toEqual([['a', 'b', 'a']]);
  });

  it('reads imports in each form they are written in', () => {
    const text = [
      "import { a } from './a.ts';",
      "import {\n  b,\n  c,\n} from 'x';",
      "import type { D } from './d.ts';",
      "export {\n  type E,\n  e,\n} from './e.ts';",
      "export * from './f.ts';",
      "import './g.ts';",
      "const h = await import('./h.ts');",
      "const text = 'taken from there';",
    ].join('\n');
    expect(importsOf(text)).toEqual([
      { specifier: './a.ts', typeOnly: false },
      { specifier: 'x', typeOnly: false },
      { specifier: './d.ts', typeOnly: true },
      { specifier: './e.ts', typeOnly: false },
      { specifier: './f.ts', typeOnly: false },
      { specifier: './g.ts', typeOnly: false },
      { specifier: './h.ts', typeOnly: false },
    ]);
  });
});

describe.each(['native', 'core', 'cli'])('packages/%s', (name) => {
  const own = all.filter(({ file }) => file.startsWith(`packages/${name}/`));

  it('imports exactly the packages that its manifest names', () => {
    const { dependencies } = JSON.parse(read(`packages/${name}/package.json`));
    const used = new Set(own.map(packageOf).filter((one) => one !== undefined));
    // Headers that only the C++ build takes.
    const forBuild = name === 'native' ? ['node-addon-api', 'node-api-headers'] : [];
    expect([...used, ...forBuild].sort()).toEqual(Object.keys(dependencies).sort());
  });
});

it('the library prints nothing, reads no arguments and ends no process', () => {
  const files = new Set(all.map(({ file }) => file).filter((f) => !f.startsWith('packages/cli/')));
  const screen = /\bprocess\.(exit|argv|stdout|stderr|exitCode)\b|\bconsole\./;
  // Examples in comments may.
  const code = (file: string) => read(file).replace(/\/\*\*[\s\S]*?\*\//g, '');
  const guilty = [...files].filter((file) => screen.test(code(file)));
  expect(guilty).toEqual([]);
});

it('what is generated in the documentation is up to date (node scripts/write-docs.mjs)', () => {
  const script = join(repositoryRoot, 'scripts/write-docs.mjs');
  expect(() =>
    execFileSync(process.execPath, [script, '--check'], { stdio: 'pipe' }),
  ).not.toThrow();
});
