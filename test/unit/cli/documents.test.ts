import { expect, expectTypeOf, it } from 'vitest';
import { documentOf } from '../../../packages/cli/dist/documents.js';

it('a document has the names of a result in snake case, and times in _s; options keep theirs', () => {
  const document = documentOf({
    matchedBy: 'name',
    mcnemarPValue: 0.5,
    perEpochSeconds: 2,
    runs: [{ onlyRunRight: 1, interval: [0, 1] }],
    folds: null,
    contents: [{ extractor: { featureShape: [1] } }],
    options: { learningRate: 0.1 },
  });
  expect(document).toEqual({
    matched_by: 'name',
    mcnemar_p_value: 0.5,
    per_epoch_s: 2,
    runs: [{ only_run_right: 1, interval: [0, 1] }],
    folds: null,
    contents: [{ extractor: { featureShape: [1] } }],
    options: { learningRate: 0.1 },
  });
  expectTypeOf(document.per_epoch_s).toEqualTypeOf<number>();
  expectTypeOf(document.mcnemar_p_value).toEqualTypeOf<number>();
  expectTypeOf(document.options.learningRate).toEqualTypeOf<number>();
  expectTypeOf(document.runs).items.toHaveProperty('only_run_right');
});
