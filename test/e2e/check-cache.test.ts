import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from '../util/shared.ts';

describe('scripts/check-cache.mjs, with few trials', () => {
  it('finds that kills, damage, full disks and several processes do the cache no harm', async () => {
    const script = join(repositoryRoot, 'scripts/check-cache.mjs');
    const { stdout } = await promisify(execFile)(process.execPath, [script, '3', '10', '7']);
    expect(stdout).toContain('All passed.');
    for (const part of ['several processes', 'full and read-only', 'killed', 'damaged files']) {
      expect(stdout).toContain(`> ${part}`);
    }
  }, 400_000);
});
