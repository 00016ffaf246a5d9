import { readFile, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { HeadstartError } from '../../../packages/core/src/base/errors.ts';
import { type Busy, lockForWork } from '../../../packages/core/src/base/work-lock.ts';
import { temporaryFolder } from '../../util/workspace.ts';

const busy: Busy = (holder) => new HeadstartError('BUSY', `Process ${holder?.pid} has it.`);
const nobody = 2 ** 22 + 5;

describe('a lock', () => {
  test('is one process’s until it is disposed of', async () => {
    await using place = await temporaryFolder();
    const path = join(place.path, 'lock');
    {
      await using _ = await lockForWork(path, busy);
      expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: process.pid });
      await expect(lockForWork(path, busy)).rejects.toThrow(`Process ${process.pid} has it.`);
    }
    await expect(readFile(path)).rejects.toThrow('ENOENT');
    await (await lockForWork(path, busy))[Symbol.asyncDispose]();
  });

  test.each([
    ['of a process that has ended', JSON.stringify({ pid: nobody, host: hostname(), token: 'a' })],
    ['that was cut off long ago', '{"pid":'],
  ])('%s is taken over, by one only', async (_, text) => {
    await using place = await temporaryFolder();
    const path = join(place.path, 'lock');
    await writeFile(path, text);
    await utimes(path, 0, 0);
    const asked = Array.from({ length: 8 }, () => lockForWork(path, busy));
    const outcomes = await Promise.allSettled(asked);
    const held = outcomes.filter(({ status }) => status === 'fulfilled').length;
    expect(held).toBeLessThanOrEqual(1);
    // All of them may have met while one took it away: then the next has it.
    if (held === 0) await (await lockForWork(path, busy))[Symbol.asyncDispose]();
  });

  test('of another machine stays', async () => {
    await using place = await temporaryFolder();
    const path = join(place.path, 'lock');
    await writeFile(path, JSON.stringify({ pid: nobody, host: `not ${hostname()}`, token: 'a' }));
    await expect(lockForWork(path, busy)).rejects.toThrow(`Process ${nobody} has it.`);
  });
});
