import { spawnSync } from 'node:child_process';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { writeFileAtomically } from '../../../packages/core/src/base/atomic-file.ts';
import {
  makeTemporaryFolder,
  temporaryBeside,
} from '../../../packages/core/src/base/temporary-files.ts';
import { repositoryRoot } from '../../util/shared.ts';
import { temporaryFolder } from '../../util/workspace.ts';

/** Begins to write a file and is killed at once, as by `kill -9` or a full machine. */
function writeAndDie(path: string): void {
  const module = pathToFileURL(join(repositoryRoot, 'packages/core/dist/base/atomic-file.js'));
  const script = `
    import { writeFileAtomically } from '${module}';
    await writeFileAtomically(${JSON.stringify(path)}, async (file) => {
      await file.write(new Uint8Array(1000));
      process.kill(process.pid, 'SIGKILL');
    });`;
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '-e', script]);
  expect(signal).toBe('SIGKILL');
}

describe('temporary files', () => {
  test('of a process that was killed are gone after the next write', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'model.onnx');
    writeAndDie(path);
    expect(await readdir(folder.path)).toEqual([
      expect.stringMatching(/^\.model\.onnx\.headstart-/),
    ]);
    await writeFileAtomically(path, 'whole');
    expect(await readdir(folder.path)).toEqual(['model.onnx']);
  });

  test('of processes that run, of other machines and of other programs stay', async () => {
    await using folder = await temporaryFolder();
    const own = basename(temporaryBeside(join(folder.path, 'a')));
    const others = [own.replace(/headstart-.{8}/, 'headstart-00000000'), '.a.tmp', own];
    for (const name of others) await writeFile(join(folder.path, name), '');
    await writeFileAtomically(join(folder.path, 'b'), 'whole');
    expect((await readdir(folder.path)).sort()).toEqual([...others, 'b'].sort());
  });
});

describe('temporary folders', () => {
  test('are for this user alone, and gone after use', async () => {
    const folder = await makeTemporaryFolder('headstart-of-test');
    expect((await stat(folder.path)).mode & 0o777).toBe(0o700);
    await writeFile(join(folder.path, 'file'), '');
    await folder[Symbol.asyncDispose]();
    expect((await readdir(tmpdir())).includes(basename(folder.path))).toBe(false);
  });

  test('of a process that was killed are gone when the next one is made', async () => {
    const module = pathToFileURL(
      join(repositoryRoot, 'packages/core/dist/base/temporary-files.js'),
    );
    const script = `
      import { writeFileSync } from 'node:fs';
      import { makeTemporaryFolder } from '${module}';
      const { path } = await makeTemporaryFolder('headstart-of-test');
      writeFileSync(path + '/file', '');
      process.stdout.write(path, () => process.kill(process.pid, 'SIGKILL'));`;
    const args = ['--input-type=module', '-e', script];
    const { signal, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect([signal, await readdir(stdout)]).toEqual(['SIGKILL', ['file']]);
    await using _ = await makeTemporaryFolder('headstart-of-test');
    await expect(stat(stdout)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
