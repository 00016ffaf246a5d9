// Writes what is generated from the code: parts of the documentation.
// Build first (npm run build:ts).
//
//   node scripts/write-docs.mjs [--check]
//
// --check writes nothing, says which files are out of date and exits with code 1 where one is.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { diagram, importTable } from './docs/architecture.mjs';
import { repositoryRoot } from './docs/imports.mjs';
import { licenceTables } from './docs/licences.mjs';
import { program } from './docs/program.mjs';
import { reference } from './docs/reference.mjs';

/** Part of a page, between `<!-- generated: NAME -->` and `<!-- end -->`. */
function section(name, text) {
  return (page) => {
    const begin = `<!-- generated: ${name} -->\n`;
    const start = page.indexOf(begin);
    const end = page.indexOf('<!-- end -->', start);
    if (start < 0 || end < 0) throw new Error(`the page has no place for "${name}"`);
    return `${page.slice(0, start)}${begin}\n${text}\n\n${page.slice(end)}`;
  };
}

/** file → what makes its new text of the old one, in turn. */
const generated = {
  'docs/architecture.md': [
    section('picture', `\`\`\`mermaid\n${diagram()}\n\`\`\``),
    section('imports', importTable()),
  ],
  'docs/licences.md': [section('licences', licenceTables())],
  'docs/cli.md': [section('reference', reference(program))],
};

const check = process.argv.includes('--check');
const outdated = [];
for (const [file, steps] of Object.entries(generated)) {
  const path = join(repositoryRoot, file);
  const old = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const text = steps.reduce((page, step) => step(page), old);
  if (text === old) continue;
  outdated.push(file);
  if (!check) writeFileSync(path, text);
}
for (const file of outdated) {
  console.log(
    check ? `${file} is out of date: run node scripts/write-docs.mjs` : `Written: ${file}`,
  );
}
process.exitCode = check && outdated.length > 0 ? 1 : 0;
