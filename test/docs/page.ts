import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { repositoryRoot } from '../util/shared.ts';

/** A fenced block of a page, or the commands of a comment `<!-- run … -->`. */
export interface Block {
  /** First line of the block in the page, from 1. */
  readonly line: number;
  readonly language: string;
  /** Words behind the language. */
  readonly words: readonly string[];
  readonly text: string;
}

export interface Page {
  /** From the root: `docs/cli.md`. */
  readonly path: string;
  readonly text: string;
  readonly blocks: readonly Block[];
}

const elsewhere = new Set(['node_modules', 'dist', 'build', '.git', 'fixtures', 'runs']);

/** Every Markdown page of the project. */
export function readPages(): Page[] {
  const paths = (folder: string): string[] =>
    readdirSync(join(repositoryRoot, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory()) return elsewhere.has(entry.name) ? [] : paths(path);
      return entry.name.endsWith('.md') ? [path] : [];
    });
  return paths('')
    .sort()
    .map((path) => parsePage(path, readFileSync(join(repositoryRoot, path), 'utf8')));
}

export function parsePage(path: string, text: string): Page {
  const blocks: Block[] = [];
  let open: { line: number; end: RegExp; info: string; lines: string[] } | undefined;
  for (const [i, line] of text.split('\n').entries()) {
    if (open) {
      if (!open.end.test(line)) {
        open.lines.push(line);
        continue;
      }
      const [language = '', ...words] = open.info.split(/\s+/).filter(Boolean);
      blocks.push({ line: open.line, language, words, text: open.lines.join('\n') });
      open = undefined;
      continue;
    }
    const fence = /^(`{3,})(.*)$/.exec(line);
    if (fence) {
      const end = new RegExp(`^${fence[1]}\`*\\s*$`);
      open = { line: i + 2, end, info: fence[2] ?? '', lines: [] };
    } else if (/^<!-- run\s*$/.test(line)) {
      open = { line: i + 2, end: /^-->\s*$/, info: 'sh', lines: [] };
    } else {
      const hidden = /^<!-- run (.+) -->\s*$/.exec(line);
      if (hidden) blocks.push({ line: i + 1, language: 'sh', words: [], text: hidden[1] ?? '' });
    }
  }
  if (open) throw new Error(`${path}: the block that begins before line ${open.line} has no end`);
  return { path, text, blocks };
}

/** reason → what it stands for: the table of docs/README.md. */
export function reasonsNotToRun(page: Page): Map<string, string> {
  const [, table = ''] = page.text.split('<!-- reasons -->');
  return new Map(
    [...table.matchAll(/^\| `(\w+)` \| (.+) \|$/gm)].map(([, name = '', why = '']) => [name, why]),
  );
}

/** Targets of a page's links to files of the project, without anchors. */
export function linkedFiles({ path, text }: Page): string[] {
  const prose = text.replace(/^(`{3,})[\s\S]*?^\1/gm, '').replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s#]+)[^)]*\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => posix.join(posix.dirname(path), target));
}
