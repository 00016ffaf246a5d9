import { expect, test } from 'vitest';
import { table } from '../../../packages/cli/dist/table.js';

test('a name with a line break or an escape sequence stays in its cell of a table', () => {
  const rows = [
    ['new\nline', 'a\u001b[31mb'],
    ['c', 'd\u0085'],
  ];
  expect(table(['class', 'called'], rows).split('\n')).toEqual([
    'class     called',
    'new␊line  a␛[31mb',
    'c         d\uFFFD',
  ]);
});
