import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './shared.ts';

/** The TypeScript files of a folder, by their full paths. */
export function sourceFiles(folder: string): string[] {
  const root = join(repositoryRoot, folder);
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' });
  return files.filter((name) => name.endsWith('.ts')).map((name) => join(root, name));
}

/**
 * The texts of string literals in TypeScript, in order; of templates, the text between their
 * expressions, and the strings in those.
 */
export function stringsOf(source: string): string[] {
  const found: string[] = [];
  /** @returns where the code that begins at `at` ends: at the end, or at a closing brace */
  const code = (start: number): number => {
    let depth = 0;
    for (let at = start; at < source.length; ) {
      const rest = source.slice(at, at + 2);
      if (rest === '//') at = endOf('\n', at);
      else if (rest === '/*') at = endOf('*/', at) + 2;
      else if (source[at] === '/' && isRegex(source, at)) at = regexEnd(source, at);
      else if (source[at] === "'" || source[at] === '"') at = quoted(at);
      else if (source[at] === '`') at = template(at + 1);
      else if (source[at] === '}' && depth === 0) return at;
      else {
        if (source[at] === '{') depth += 1;
        if (source[at] === '}') depth -= 1;
        at += 1;
      }
    }
    return source.length;
  };
  const endOf = (text: string, from: number) => {
    const at = source.indexOf(text, from);
    return at < 0 ? source.length : at;
  };
  const quoted = (start: number): number => {
    const quote = source[start];
    let at = start + 1;
    while (source[at] !== quote) at += source[at] === '\\' ? 2 : 1;
    found.push(source.slice(start + 1, at).replace(/\\(.)/g, '$1'));
    return at + 1;
  };
  const template = (start: number): number => {
    let text = '';
    const inner: number = found.length;
    for (let at = start; ; ) {
      if (source[at] === '`') {
        found.splice(inner, 0, text);
        return at + 1;
      }
      if (source[at] === '\\') {
        text += source[at + 1];
        at += 2;
      } else if (source.startsWith('${', at)) {
        text += '…';
        at = code(at + 2) + 1;
      } else {
        text += source[at];
        at += 1;
      }
    }
  };
  code(0);
  return found;
}

/** A slash behind what can end no expression begins a regular expression. */
function isRegex(source: string, at: number): boolean {
  return /(?:[(,=:[!&|?{};>]|return|^)\s*$/.test(source.slice(Math.max(0, at - 20), at));
}

function regexEnd(source: string, start: number): number {
  let inClass = false;
  let at = start + 1;
  for (; source[at] !== '/' || inClass; at += source[at] === '\\' ? 2 : 1) {
    if (source[at] === '[') inClass = true;
    if (source[at] === ']') inClass = false;
  }
  return at + 1;
}
