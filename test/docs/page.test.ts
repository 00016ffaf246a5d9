import { describe, expect, it } from 'vitest';
import { linkedFiles, parsePage, reasonsNotToRun } from './page.ts';

const text = [
  '# Title, see [a page](cli.md#train), [the web](https://x.org) and `[no](link)`',
  '<!-- run headstart train fruit -->',
  '```sh norun gpu',
  'nvidia-smi',
  '```',
  '````text',
  '```sh',
  'not a command [no](link.md)',
  '```',
  '````',
  '<!-- run',
  'one',
  'two',
  '-->',
  '```json file=head.json',
  '{}',
  '```',
].join('\n');

describe('parsePage', () => {
  it('finds blocks, nested fences as text, and hidden commands', () => {
    expect(parsePage('docs/x.md', text).blocks).toEqual([
      { line: 2, language: 'sh', words: [], text: 'headstart train fruit' },
      { line: 4, language: 'sh', words: ['norun', 'gpu'], text: 'nvidia-smi' },
      { line: 7, language: 'text', words: [], text: expect.stringContaining('not a command') },
      { line: 12, language: 'sh', words: [], text: 'one\ntwo' },
      { line: 16, language: 'json', words: ['file=head.json'], text: '{}' },
    ]);
  });

  it('refuses a block without an end', () => {
    expect(() => parsePage('docs/x.md', '```sh\nls')).toThrow(/docs\/x\.md.*before line 2/);
  });
});

it('linkedFiles gives files of the project, from its root, and nothing in code', () => {
  expect(linkedFiles(parsePage('docs/x.md', text))).toEqual(['docs/cli.md']);
});

it('reasonsNotToRun reads the table behind its mark', () => {
  const page = parsePage('docs/README.md', '| `no` | x |\n<!-- reasons -->\n| `gpu` | a GPU |\n');
  expect([...reasonsNotToRun(page)]).toEqual([['gpu', 'a GPU']]);
});
