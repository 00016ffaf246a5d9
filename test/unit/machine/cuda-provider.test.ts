import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { missingLibraries, setupCuda } from '#core/machine';
import { repositoryRoot } from '../../util/shared.ts';
import { type TemporaryFolder, temporaryFolder } from '../../util/workspace.ts';

const names = ['libonnxruntime_providers_cuda.so', 'libonnxruntime_providers_shared.so'];
const isHere = process.platform === 'linux' && process.arch === 'x64';

let place: TemporaryFolder;
let from: string;
let directory: string;
beforeEach(async () => {
  place = await temporaryFolder();
  [from, directory] = [join(place.path, 'from'), join(place.path, 'runtime')];
  await mkdir(from);
  await mkdir(directory);
  await writeFile(join(directory, 'libonnxruntime.so.1'), 'not ours');
});
afterEach(() => place[Symbol.asyncDispose]());

const writeLibraries = (which: readonly string[]) =>
  Promise.all(which.map((name) => writeFile(join(from, name), `this is ${name}`)));

describe.runIf(isHere)('headstart setup cuda', () => {
  test('puts the libraries of a folder in place, again and again, and takes them away', async () => {
    await writeLibraries(names);
    for (let i = 0; i < 2; i++) {
      const { files } = await setupCuda({ from, directory, withoutDriver: true });
      expect([...files].sort()).toEqual(names);
      expect(await readFile(join(directory, names[0]!), 'utf8')).toBe(`this is ${names[0]}`);
      expect(await readdir(directory)).toEqual(['libonnxruntime.so.1', ...names]);
    }
    expect((await setupCuda({ directory, undo: true })).files).toHaveLength(2);
    expect(await readdir(directory)).toEqual(['libonnxruntime.so.1']);
    expect((await setupCuda({ directory, undo: true })).files).toEqual([]);
  });

  test.skipIf(existsSync('/proc/driver/nvidia/version'))(
    'asks for a driver before anything is fetched',
    async () => {
      const said: string[] = [];
      const onNotice = ({ text }: { text: string }) => said.push(text);
      await expect(setupCuda({ directory, onNotice })).rejects.toMatchObject({
        code: 'GPU_REQUIRED',
        message: expect.stringContaining('no NVIDIA driver'),
      });
      expect(said).toEqual([]);
      expect(await readdir(directory)).toEqual(['libonnxruntime.so.1']);
    },
  );

  test('refuses a folder that lacks a library, and changes nothing', async () => {
    await writeLibraries(names.slice(0, 1));
    await expect(setupCuda({ from, directory, withoutDriver: true })).rejects.toMatchObject({
      code: 'USAGE',
      message: `${from} has no ${names[1]}.`,
    });
    expect(await readdir(directory)).toEqual(['libonnxruntime.so.1']);
  });

  test('refuses a package that is not the one that npm publishes', async () => {
    const file = join(place.path, 'package.tgz');
    await writeFile(file, 'something else');
    await expect(setupCuda({ from: file, directory, withoutDriver: true })).rejects.toMatchObject({
      code: 'DOWNLOAD_FAILED',
      message: expect.stringContaining('its sha512 differs'),
    });
  });

  test('names a place that does not exist', async () => {
    await expect(
      setupCuda({ from: join(place.path, 'no'), directory, withoutDriver: true }),
    ).rejects.toThrow(/There is no .+no: give a folder or a \.tgz file/);
  });

  test('leaves nothing half-written where it may not write', async () => {
    await writeLibraries(names);
    const missing = join(place.path, 'missing', 'folder');
    await expect(
      setupCuda({ from, directory: missing, withoutDriver: true }),
    ).rejects.toMatchObject({
      code: 'OUTPUT_UNWRITABLE',
    });
  });
});

test.runIf(isHere)(
  'what a library needs and is not here is named, with where to get it',
  async () => {
    // The addon needs nothing of CUDA by name; cuDNN is looked for always.
    const addon = join(repositoryRoot, 'packages/native/build/Release/headstart.node');
    const missing = await missingLibraries(addon);
    for (const { library, advice } of missing ?? []) {
      expect(library).toBe('libcudnn.so.9');
      expect(advice).toContain('cuDNN 9');
    }
    expect(await missingLibraries(join(place.path, 'no.so'))).toBeUndefined();
  },
);
