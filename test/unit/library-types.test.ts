import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parsePage } from '../docs/page.ts';
import { declarationFile, namedTypes, publicNames } from '../util/public-types.ts';
import { repositoryRoot } from '../util/shared.ts';

const names = publicNames(declarationFile(repositoryRoot, 'core'));
const values = names.filter(({ typeOnly }) => !typeOnly);

/** Of the language and of Node; `Key`, `Name`, `Range` and `T` are parameters of types. */
const known = new Set(
  `AbortSignal AsyncDisposable AsyncGenerator AsyncIterable Buffer Disposable Error Generator Exclude Extract Float32Array
  Int32Array Iterable Key Map Name Omit Partial Pick Promise Range Readonly ReadonlyMap ReadonlySet Record
  Set SharedArrayBuffer Symbol T Uint16Array Uint32Array Uint8Array`.split(/\s+/),
);

/** Text of the blocks of code after `@example`. */
function examplesOf({ comment }: { readonly comment: string }): string[] {
  const blocks = comment.matchAll(/@example\s+\* ```ts\n([\s\S]*?)\n\s*\* ```/g);
  return [...blocks].map(([, block = '']) => block.replace(/^\s*\* ?/gm, ''));
}

describe('the public types of @headstart/core', () => {
  it('are found', () => {
    expect(values.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['loadClassifier', 'Classifier', 'train', 'evaluate']),
    );
    expect(new Set(names.map(({ name }) => name)).size).toBe(names.length);
  });

  it('are at most 60 at run time, each with an example in docs/library.md that is run', async () => {
    const page = parsePage(
      'docs/library.md',
      readFileSync(join(repositoryRoot, 'docs/library.md'), 'utf8'),
    );
    const code = page.blocks.flatMap(({ words, text }) =>
      words[0]?.startsWith('file=') ? [text] : [],
    );
    const imported = code
      .flatMap((text) => [...text.matchAll(/import \{([^}]*)\} from '@headstart\/core'/g)])
      .flatMap(([, list = '']) => list.split(',').map((one) => one.trim()))
      .filter(Boolean);
    const exported = Object.keys(await import('@headstart/core')).sort();
    expect([...new Set(imported)].sort()).toEqual(exported);
    expect(exported.filter((name) => !page.text.includes(`\`${name}\``))).toEqual([]);
    expect(exported.length).toBeLessThanOrEqual(60);
  });

  it('name nothing that cannot be imported from there', () => {
    const exported = new Set(names.map(({ name }) => name));
    const missing = names.flatMap((one) =>
      namedTypes(one)
        .filter((type) => !exported.has(type) && !known.has(type))
        .map((type) => `${type}, of ${one.name}`),
    );
    expect(missing).toEqual([]);
  });

  it('have properties in camelCase', () => {
    const snakeCased = names.flatMap(({ name, text }) =>
      [...text.matchAll(/^\s*(?:readonly )?(\w*[a-z0-9]_\w+)\??:/gm)].map(
        ([, own]) => `${own}, of ${name}`,
      ),
    );
    expect(snakeCased).toEqual([]);
  });

  it('say any nowhere', () => {
    expect(names.filter(({ text }) => /\bany\b/.test(text)).map(({ name }) => name)).toEqual([]);
  });

  it('are explained, with an example where something is to be called', () => {
    const without = values.filter((one) => examplesOf(one).length === 0);
    expect(without.map(({ name }) => name)).toEqual([]);
  });

  it('are such that the examples compile', async () => {
    // In the repository, so that the packages are found.
    const folder = await mkdtemp(join(repositoryRoot, 'test/.examples-'));
    const all = values.map(({ name }) => name).join(', ');
    const header = `import { readFile, writeFile } from 'node:fs/promises';\nimport { ${all} } from '@headstart/core';\n`;
    const files: string[] = [];
    const config = {
      extends: '../../tsconfig.base.json',
      compilerOptions: {
        composite: false,
        declaration: false,
        declarationMap: false,
        noEmit: true,
        noUnusedLocals: false,
      },
      files,
    };
    try {
      for (const one of values) {
        for (const [i, code] of examplesOf(one).entries()) {
          files.push(`${one.name}-${i}.ts`);
          await writeFile(join(folder, files.at(-1)!), `${header}${code}\n`);
        }
      }
      await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
      const compiler = join(repositoryRoot, 'node_modules/.bin/tsc');
      const compiled = promisify(execFile)(compiler, ['-p', folder, '--pretty', 'false']);
      const said = await compiled.then(
        () => '',
        ({ stdout, stderr }: { stdout: string; stderr: string }) => stdout || stderr,
      );
      expect(said).toBe('');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
