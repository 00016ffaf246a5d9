import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repositoryRoot } from '../util/shared.ts';
import { type TemporaryFolder, temporaryFolder } from '../util/workspace.ts';
import { type Block, linkedFiles, type Page, readPages, reasonsNotToRun } from './page.ts';
import { openPlace, prepareData } from './place.ts';

const pages = readPages();
const guide = pages.find(({ path }) => path === 'docs/README.md') as Page;
const reasons = reasonsNotToRun(guide);

const isRun = ({ language, words }: Block) => language === 'sh' && words[0] !== 'norun';
const fileNameOf = ({ words }: Block) =>
  words.find((word) => word.startsWith('file='))?.slice('file='.length);

let prepared: TemporaryFolder;

beforeAll(async () => {
  prepared = await temporaryFolder();
  await prepareData(prepared.path);
});

afterAll(() => prepared[Symbol.asyncDispose]());

/** Runs one block as a shell script; it must succeed. */
async function runBlock({ path }: Page, block: Block, cwd: string, env: NodeJS.ProcessEnv) {
  const child = spawn('sh', ['-e', '-c', block.text], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code === 0) return;
  throw new Error(
    `${path}:${block.line} ended with exit code ${code}:\n${block.text}\n\n${said.slice(-2000)}`,
  );
}

describe.skipIf(process.platform === 'win32').concurrent('the commands of', () => {
  const withCommands = pages.filter(({ blocks }) => blocks.some(isRun));
  it.each(withCommands.map((page) => [page.path, page] as const))('%s', async (_, page) => {
    await using place = await openPlace(prepared.path);
    for (const block of page.blocks) {
      const name = fileNameOf(block);
      if (name) {
        await mkdir(dirname(join(place.folder, name)), { recursive: true });
        await writeFile(join(place.folder, name), `${block.text}\n`);
      } else if (isRun(block)) {
        await runBlock(page, block, place.folder, place.env);
      }
    }
  });
});

describe.each(pages.map((page) => [page.path, page] as const))('%s', (path, page) => {
  it('says the language of every block, and why a command is not run', () => {
    for (const { line, language, words } of page.blocks) {
      expect(language, `${path}:${line} has no language (text, sh, …)`).not.toBe('');
      expect(language, `${path}:${line}: commands are sh`).not.toMatch(
        /^(bash|shell|console|zsh)$/,
      );
      if (language !== 'sh' || words[0] !== 'norun') continue;
      expect([...reasons.keys()], `${path}:${line}: norun REASON`).toContain(words[1]);
    }
  });

  it('links only to files that are there', () => {
    const broken = linkedFiles(page).filter((file) => !existsSync(join(repositoryRoot, file)));
    expect(broken).toEqual([]);
  });
});

describe('docs/README.md', () => {
  it('leads to every page of docs/', () => {
    const linked = linkedFiles(guide);
    const own = pages.map(({ path }) => path).filter((path) => path.startsWith('docs/'));
    expect(own.filter((path) => path !== guide.path && !linked.includes(path))).toEqual([]);
  });
});
