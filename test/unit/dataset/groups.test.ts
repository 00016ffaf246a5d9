import { describe, expect, test } from 'vitest';
import { groupsBy } from '#core/dataset';

const named = (...names: string[]) => names.map((name) => ({ name }));

describe('groups by a pattern', () => {
  test('are what its first parentheses match, or all that it matches', () => {
    const samples = named('a/s1_0.png', 'a/s2_0.png', 'b/other.png');
    expect(groupsBy('/(s\\d+)_')(samples)).toEqual(['s1', 's2', undefined]);
    expect(groupsBy('s\\d+')(samples)).toEqual(['s1', 's2', undefined]);
    expect(groupsBy('/()')(samples)).toEqual(['/', '/', '/']);
    expect(groupsBy('x*')(samples)).toEqual([undefined, undefined, undefined]);
  });

  test('are refused, with the path, where the pattern backtracks without end', () => {
    const samples = named('a/1.png', `${'a'.repeat(60)}!`, 'b/1.png');
    const begun = performance.now();
    expect(() => groupsBy('^(a|a)*$')(samples)).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        option: 'groupBy',
        message: expect.stringMatching(/^The pattern \^\(a\|a\)\*\$ of `groupBy` .* at a{60}!: /),
      }),
    );
    expect(performance.now() - begun).toBeLessThan(20_000);
  }, 30_000);

  test('of a hundred thousand paths are found within the limit', () => {
    const samples = named(...Array.from({ length: 100_000 }, (_, i) => `class/s${i % 7}_${i}.png`));
    expect(new Set(groupsBy('/(s\\d+)_')(samples)).size).toBe(7);
  });
});
