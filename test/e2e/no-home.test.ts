import { spawn } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repositoryRoot } from '../util/shared.ts';
import {
  type TemporaryFolder,
  temporaryFolder,
  tinyBackbone,
  writePictures,
} from '../util/workspace.ts';

/** A user whom the system does not know. */
const stranger = 54_321;
const isRoot = process.getuid?.() === 0;
if (!isRoot) console.log('skipped: only root can start a process as a user without a home folder');

let place: TemporaryFolder;
const at = (...parts: string[]) => join(place.path, ...parts);

/** Runs a command as a user without HOME and without an entry in the system's list of users. */
function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const cli = join(repositoryRoot, 'packages/cli/bin/headstart.js');
  const child = spawn(process.execPath, [cli, ...args], {
    cwd: place.path,
    env: { PATH: process.env.PATH, ...env },
    uid: stranger,
    gid: stranger,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

beforeAll(async () => {
  place = await temporaryFolder();
  await writePictures(at('data'), ['blue', 'red'], 8);
  await chmod(place.path, 0o777);
});
afterAll(() => place[Symbol.asyncDispose]());

describe.runIf(isRoot)('A user without a home folder', () => {
  const train = ['train', 'data', '--backbone', tinyBackbone, '--no-augment', '--no-folds'];
  const folders = ['--cache-dir', 'cache', '--models-dir', 'models'];

  it('gets everything done where the folders are given', async () => {
    const own = [...train, '--epochs', '1', '--device', 'cpu'];
    for (const args of [
      ['--version'],
      ['--help'],
      ['check', 'data', ...folders],
      [...own, '--out', 'run', ...folders],
      ['evaluate', 'run', 'data', ...folders],
      ['cache', 'ls', ...folders],
      ['cache', 'verify', ...folders],
      ['doctor', ...folders],
      // These need neither.
      ['predict', 'run', 'data/red', '--device', 'cpu'],
      ['export', 'run', '--out', 'model.onnx'],
    ]) {
      const { code, stderr } = await run(args);
      expect([args, code, stderr]).toEqual([args, 0, expect.any(String)]);
    }
    const env = { HEADSTART_CACHE_DIR: at('cache'), HEADSTART_MODELS_DIR: at('models') };
    const { code, stderr } = await run([...own, '--out', 'again'], env);
    expect([code, stderr]).toEqual([0, expect.stringContaining('0 computed')]);
    const cacheHome = await run(['cache', 'ls'], { XDG_CACHE_HOME: at('none') });
    expect(cacheHome.stderr).toContain(at('none', 'headstart', 'features'));
  }, 120_000);

  it.each([
    [['check', 'data'], 'cache-dir', 'HEADSTART_CACHE_DIR'],
    [['cache', 'ls'], 'cache-dir', 'HEADSTART_CACHE_DIR'],
    [[...train, '--cache-dir', 'cache'], 'models-dir', 'HEADSTART_MODELS_DIR'],
    [['doctor', '--cache-dir', 'cache'], 'models-dir', 'HEADSTART_MODELS_DIR'],
  ])(
    'is told what to give where one is needed: %s',
    async (args, option, variable) => {
      const { code, stderr } = await run(args);
      expect([code, stderr]).toEqual([
        2,
        `error: This user has no home folder, so --${option} has no default: give --${option}, or set ${variable}.\n`,
      ]);
    },
    30_000,
  );
});
