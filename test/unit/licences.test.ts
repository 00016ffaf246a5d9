import { describe, expect, it } from 'vitest';
import { disallowed, installedPackages, isAllowed } from '../../scripts/check-licences.mjs';

describe('licences of dependencies', () => {
  it('are allowed, in all that is installed', () => {
    const packages = installedPackages();
    expect(packages.length).toBeGreaterThan(200);
    expect(packages.map(({ name }) => name)).toEqual(expect.arrayContaining(['vitest', 'sharp']));
    expect(disallowed(packages)).toEqual([]);
  });

  it('are refused where they are others, or none is named, with the package', () => {
    const packages = [
      { name: 'a', version: '1.0.0', licence: 'MIT' },
      { name: 'b', version: '2.0.0', licence: 'AGPL-3.0-only' },
      { name: 'c', version: '3.0.0', licence: '' },
      { name: 'sharp', version: '4.0.0', licence: 'LGPL-3.0-or-later' },
    ];
    expect(disallowed(packages)).toEqual([
      'b 2.0.0: AGPL-3.0-only',
      'c 3.0.0: no licence is named',
      'sharp 4.0.0: LGPL-3.0-or-later',
    ]);
  });

  it.each([
    ['MIT', true],
    ['(MIT OR GPL-3.0-only)', true],
    ['GPL-3.0-only OR MIT', true],
    ['MIT AND GPL-3.0-only', false],
    ['GPL-3.0-only AND MIT', false],
    ['MIT AND (GPL-3.0-only OR Apache-2.0)', true],
    ['GPL-3.0-only AND MIT OR ISC', true],
    ['(MIT', false],
    ['MIT ISC', false],
    ['', false],
    ['see the package', false],
  ])('as an expression: %s', (expression, allowed) => {
    expect(isAllowed(expression)).toBe(allowed);
  });
});
