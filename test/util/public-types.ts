import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { repositoryRoot } from './shared.ts';

/** What a package exports under a name, as its declaration files have it. */
export interface PublicName {
  readonly name: string;
  readonly file: string;
  /** `function`, `class`, `interface`, `type` or `const`. */
  readonly kind: string;
  /** It can be named, but not called. */
  readonly typeOnly: boolean;
  /** Without comments and bodies: what a user's program depends on. */
  readonly text: string;
  /** The comment before it; empty where there is none. */
  readonly comment: string;
}

/**
 * Everything that a declaration file exports, followed to where it is declared.
 *
 * Declarations are read as text, as the compiler writes them: one statement begins in column 0.
 */
export function publicNames(entry: string): PublicName[] {
  const text = readFileSync(entry, 'utf8');
  const names: PublicName[] = [];
  for (const [, type, star, list = '', from = ''] of text.matchAll(
    /^export (type )?(?:(\*)|\{([^}]*)\}) from '([^']+)';/gm,
  )) {
    const file = declarationsOf(from, entry);
    if (star) names.push(...publicNames(file));
    else
      for (const one of list.split(',')) names.push(...namesOf(`${type ?? ''}${one.trim()}`, file));
  }
  return names;
}

function declarationsOf(from: string, importer: string): string {
  const [, name] = /^@headstart\/(\w+)$/.exec(from) ?? [];
  if (name) return declarationFile(repositoryRoot, name);
  return resolve(dirname(importer), from.replace(/\.(ts|js)$/, '.d.ts'));
}

function namesOf(specifier: string, file: string): PublicName[] {
  const typeOnly = specifier.startsWith('type ');
  const [source = '', name = source] = specifier.replace(/^(type )+/, '').split(' as ');
  if (source === '') return [];
  const own = declarationOf(source, file);
  const found = own ? [own] : publicNames(file).filter((one) => one.name === source);
  return found.map((one) => ({ ...one, name, typeOnly: typeOnly || one.typeOnly }));
}

function declarationOf(name: string, file: string): PublicName | undefined {
  const text = readFileSync(file, 'utf8');
  const begin = new RegExp(
    `((?:/\\*\\*(?:(?!\\*/)[\\s\\S])*\\*/\\s*)?)^export (?:declare )?(?:abstract )?(interface|type|class|function|const) ${name}\\b`,
    'm',
  ).exec(text);
  if (!begin) return undefined;
  const [, comment = '', kind = ''] = begin;
  const rest = text.slice(begin.index + comment.length);
  const end = /\n(?=export |declare |\/\*\*|\/\/#|interface |type )/.exec(rest.slice(1));
  const own = end ? rest.slice(0, end.index + 1) : rest;
  const typeOnly = kind === 'interface' || kind === 'type';
  return { name, file, kind, typeOnly, text: withoutComments(own), comment };
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
}

/** Types that a declaration names: capitalized words that are no strings and no members. */
export function namedTypes({ text }: PublicName): string[] {
  const code = text.replace(/'[^']*'|`[^`]*`/g, '').replace(/\.[A-Za-z]+/g, '');
  const parameters = new Set(
    [...code.matchAll(/<([^<>]*)>\(|(?:type|interface|class) \w+<([^>]*)>/g)].flatMap(
      ([, a = '', b = '']) => `${a},${b}`.split(',').map((one) => one.trim().split(' ')[0] ?? ''),
    ),
  );
  const words = [...code.matchAll(/(?<![\w$#.])[A-Z]\w*/g)].map(([word]) => word);
  return [...new Set(words)].filter((word) => !parameters.has(word));
}

export const declarationFile = (root: string, name: string) =>
  join(root, 'packages', name, 'dist/index.d.ts');
