import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeFolders } from '../../../packages/core/src/base/folders.ts';
import { temporaryFolder } from '../../util/workspace.ts';

it('makes the folders that are not there, and says which is the first', async () => {
  await using place = await temporaryFolder();
  await mkdir(join(place.path, 'a'));
  const deep = join(place.path, 'a', 'b', 'c');
  expect(await makeFolders(deep)).toBe(join(place.path, 'a', 'b'));
  expect((await stat(deep)).isDirectory()).toBe(true);
  expect(await makeFolders(deep)).toBeUndefined();
});

it('says that a file is in the place of a folder', async () => {
  await using place = await temporaryFolder();
  const path = join(place.path, 'file');
  await writeFile(path, '');
  await expect(makeFolders(path)).rejects.toThrow(`${path} is a file`);
});
