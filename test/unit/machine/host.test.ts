import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { node, placeOf } from '../../../packages/core/dist/machine/host.js';

describe('doctor', () => {
  it.each(['20.19.0', '20.20.2', '22.0.0'])('takes Node %s', (version) => {
    expect(node(version).state).toBe('ready');
  });

  it.each(['18.20.4', '20.18.3'])('says that Node %s is too old, and what to do', (version) => {
    const { state, advice } = node(version);
    expect(state).toBe('broken');
    expect(advice).toContain('Install Node 20.19 or newer');
  });

  it('finds the disk on which a folder would be made', async () => {
    const there = await placeOf(tmpdir());
    const wanted = await placeOf(join(tmpdir(), 'no/such/folder'));
    expect([there.exists, wanted.exists]).toEqual([true, false]);
    expect(wanted.free).toMatch(/^\d+\.\d GiB free$/);
  });
});
