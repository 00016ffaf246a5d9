import { expect, test } from 'vitest';
import { printable, table } from '../../../packages/cli/dist/table.js';

test('a name with a line break or an escape sequence stays in its cell of a table', () => {
  const rows = [
    ['new\nline', 'a\u001b[31mb'],
    ['c', 'd\u0085'],
  ];
  expect(table(['class', 'called'], rows).split('\n')).toEqual([
    'class      called',
    'new\\nline  a\\x1b[31mb',
    'c          d\\x85',
  ]);
});

test('text for a terminal keeps its lines and steers nothing', () => {
  expect(printable('a\tb\nred\u001b[31m\u009b2J\u0007\r')).toBe(
    'a\tb\nred\\x1b[31m\\x9b2J\\x07\\x0d',
  );
});
