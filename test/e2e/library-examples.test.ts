import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { repositoryRoot } from '../util/shared.ts';
import {
  type TemporaryFolder,
  temporaryFolder,
  tinyBackbone,
  writePictures,
} from '../util/workspace.ts';

const folder = join(repositoryRoot, 'examples/library');
let place: TemporaryFolder;
beforeAll(async () => {
  place = await temporaryFolder();
  await writePictures(join(place.path, 'data'), ['green', 'red'], 12);
});
afterAll(() => place[Symbol.asyncDispose]());

/** Runs an example as its first comment says; gives what it prints. */
async function example(name: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(folder, name), ...args], {
    cwd: place.path,
    env: {
      ...process.env,
      HEADSTART_CACHE_DIR: join(place.path, 'cache'),
      HEADSTART_MODELS_DIR: join(place.path, 'models'),
    },
  });
  return stdout;
}

// In this order: each uses what those before made.
it('train.mjs trains and measures', async () => {
  const said = await example('train.mjs', 'data', 'runs/colours', tinyBackbone);
  expect(said).toMatch(/^epoch 1 of 10: loss \d/m);
  expect(said).toMatch(/^red: recall (0|1|0\.\d+)$/m);
  expect(said).toMatch(/^Run: .*runs.colours$/m);
});

it('train.mjs names what is wrong by its code', async () => {
  const failing = example('train.mjs', 'nowhere', 'runs/none', tinyBackbone);
  await expect(failing).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^DATA_LAYOUT: There is no folder /),
  });
});

it('classify.mjs labels images, and says which cannot be read', async () => {
  const said = await example('classify.mjs', 'runs/colours', 'data/red/red-001.png', 'gone.png');
  const [first, second] = said.trim().split('\n');
  expect(first).toMatch(/^data\/red\/red-001\.png: (red|green|unknown) \(\w+ [\d.]+ %, \w+ /);
  expect(second).toBe('gone.png: not read, there is no such file');
});

it('export.mjs writes a model that ONNX Runtime runs alone', async () => {
  const said = await example('export.mjs', 'runs/colours', 'c.onnx', 'data/red/red-001.png');
  expect(said).toMatch(
    /c\.onnx: green, red \(sha256 [0-9a-f]{64}\)\n.*red-001\.png: (red|green) 0/,
  );
});

it('no example is without a test', async () => {
  expect((await readdir(folder)).sort()).toEqual(['classify.mjs', 'export.mjs', 'train.mjs']);
});
