import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { shellWord } from '../../../packages/core/src/base/shell-word.ts';

const live = ['fruit', 'my fruit', '$HOME', '`id`', "it's", '"a"', 'a\\b', '~', '', 'a\nb', '*'];

test.skipIf(process.platform === 'win32')('a shell reads a word as the text it was made of', () => {
  for (const text of live) {
    const command = `printf %s ${shellWord(text)}`;
    expect(execFileSync('sh', ['-c', command], { encoding: 'utf8' })).toBe(text);
  }
  expect(shellWord('data/fruit')).toBe('data/fruit');
});
