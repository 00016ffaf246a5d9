import { execFileSync } from 'node:child_process';
import { lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkWritable } from '@headstart/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeFileAtomically } from '../../../packages/core/src/base/atomic-file.ts';
import { runCli } from '../../util/cli.ts';
import { type TemporaryFolder, temporaryFolder, writePictures } from '../../util/workspace.ts';

let place: TemporaryFolder;
const at = (...parts: string[]) => join(place.path, ...parts);

beforeAll(async () => {
  place = await temporaryFolder();
  await mkdir(at('folder'));
  await symlink('folder', at('to-folder'));
  await symlink('nowhere', at('to-nothing'));
  await symlink('/dev/null', at('to-device'));
});
afterAll(() => place[Symbol.asyncDispose]());

describe.skipIf(process.platform === 'win32')('what a file takes the place of', () => {
  test.each([
    ['pipe', 'it is not a regular file'],
    ['to-device', 'it is not a regular file'],
    ['folder', 'it is a folder'],
    ['to-folder', 'it is a folder'],
    ['to-nothing', 'it is a link to nowhere, which is not there'],
  ])('is not %s, which stays as it is', async (name, reason) => {
    if (name === 'pipe') execFileSync('mkfifo', [at('pipe')]);
    const before = (await lstat(at(name))).mode;
    const refusal = {
      code: 'OUTPUT_UNWRITABLE',
      message: `Cannot write ${at(name)}: ${reason}. Choose a place that can be written.`,
    };
    await expect(checkWritable(at(name))).rejects.toMatchObject(refusal);
    await expect(writeFileAtomically(at(name), 'text')).rejects.toMatchObject(refusal);
    expect((await lstat(at(name))).mode).toBe(before);
  });

  test('is the file that a link leads to; the link stays', async () => {
    await writeFile(at('folder/page.html'), 'old');
    await symlink('folder/page.html', at('page.html'));
    await checkWritable(at('page.html'));
    await writeFileAtomically(at('page.html'), 'new');
    expect((await lstat(at('page.html'))).isSymbolicLink()).toBe(true);
    expect(await readFile(at('folder/page.html'), 'utf8')).toBe('new');
    expect(await readdir(at('folder'))).toEqual(['page.html']);
  });

  test.each(['html', 'write-corrections'])(
    'is not a pipe for --%s of a check, which is said before the work',
    async (name) => {
      await writePictures(at('data'), ['a', 'b'], 2);
      execFileSync('mkfifo', [at(name)]);
      const { code, stdout, stderr } = await runCli(['check', 'data', `--${name}`, name], {
        cwd: place.path,
      });
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toBe(
        `error: Cannot write ${name}: it is not a regular file. Choose a place that can be written.\n`,
      );
      expect((await lstat(at(name))).isFIFO()).toBe(true);
    },
  );
});
