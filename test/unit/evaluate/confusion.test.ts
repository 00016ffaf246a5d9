import { expect, test } from 'vitest';
import { confusionCsv } from '#core/evaluate';

test('the table of the confusion matrix quotes what CSV needs quoted', () => {
  const matrix = {
    classes: 2,
    counts: [
      [3, 1],
      [0, 2],
    ],
  };
  expect(confusionCsv(matrix, ['red, dark', 'green'])).toBe(
    'true \\ predicted,"red, dark",green\n"red, dark",3,1\ngreen,0,2\n',
  );
});
