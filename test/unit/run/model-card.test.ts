import { modelCard } from '@headstart/core/run';
import { describe, expect, it } from 'vitest';
import { contentsOfRun } from './contents.ts';

function cardOf(classes: readonly string[]): Promise<string> {
  const { record } = contentsOfRun();
  return modelCard({
    name: 'fruit',
    record: { format: 'headstart-run', version: 1, files: {}, ...record, classes },
    metrics: undefined,
    precision: 'float32',
    bytes: 1e6,
    sha256: '0'.repeat(64),
  });
}

describe('a model card', () => {
  it('shows class names as they are, whatever is in them', async () => {
    const card = await cardOf(['a|b', 'back`tick', '``', '`', ' spaced ', '   ']);
    const row = card.split('\n').find((line) => line.startsWith('| classes'));
    expect(row).toBe('| classes | `a\\|b`, ``back`tick``, ` `` `, `` ` ``, `  spaced  `, `   ` |');
  });
});
