import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { runCli } from '../util/cli.ts';
import { repositoryRoot } from '../util/shared.ts';
import { temporaryFolder, tinyBackbone, writePictures } from '../util/workspace.ts';

/** The JavaScript files that a command line has loaded, as V8 counts them; Node's own are left out. */
async function filesLoadedBy(args: readonly string[]): Promise<string[]> {
  await using folder = await temporaryFolder();
  await runCli(args, { env: { NODE_V8_COVERAGE: folder.path } });
  const reports = await readdir(folder.path);
  const texts = await Promise.all(reports.map((name) => readFile(join(folder.path, name), 'utf8')));
  const urls = texts.flatMap((text) =>
    (JSON.parse(text) as { result: { url: string }[] }).result.map(({ url }) => url),
  );
  return urls
    .filter((url) => url.startsWith('file:'))
    .map((url) => relative(repositoryRoot, fileURLToPath(url)).replaceAll('\\', '/'));
}

const packagesOf = (files: readonly string[]) => [
  ...new Set(files.flatMap((file) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? [])),
];

describe('what asks nothing of the library', () => {
  it.each(['--version', '--help', 'train --help', 'predict --no-such-option'])(
    'headstart %s loads the options alone of it, and no package but commander',
    async (line) => {
      const files = await filesLoadedBy(line.split(' '));
      expect(files).toContain('packages/cli/dist/main.js');
      expect(packagesOf(files)).toEqual(['commander']);
      const library = files.filter((file) => /^packages\/(core|native)\//.test(file));
      expect(library.some((file) => /dist\/(options\/index|bundle\/options)\.js$/.test(file))).toBe(
        true,
      );
      const more = library.filter(
        (file) => !/^packages\/core\/dist\/(options\/|base\/|bundle\/(options|errors))/.test(file),
      );
      expect(more).toEqual([]);
    },
  );
});

it('what looks at no picture and no model loads neither sharp nor ONNX', async () => {
  await using folder = await temporaryFolder();
  const files = await filesLoadedBy(['cache', 'ls', '--cache-dir', folder.path]);
  expect(files.some((file) => /dist\/(features\/index|bundle\/features)\.js$/.test(file))).toBe(
    true,
  );
  expect(packagesOf(files)).toEqual(['commander']);
});

it('sharp that cannot be loaded is not taken for images that cannot be read', async () => {
  await using folder = await temporaryFolder();
  const broken = join(folder.path, 'no-sharp.cjs');
  await writeFile(
    broken,
    `const Module = require('node:module');
    const load = Module._load;
    Module._load = function (name, ...rest) {
      if (name === 'sharp') throw new Error('Could not load the "sharp" module\\nTry this');
      return load.call(this, name, ...rest);
    };`,
  );
  await writePictures(join(folder.path, 'data'), ['red', 'green'], 2);
  const env = { NODE_OPTIONS: `--require ${JSON.stringify(broken)}` };
  const cacheDir = ['--cache-dir', join(folder.path, 'cache')];
  for (const command of [['check'], ['features', '--backbone', tinyBackbone]]) {
    const [name = '', ...options] = command;
    const args = [name, join(folder.path, 'data'), ...options, ...cacheDir];
    const { code, stderr } = await runCli(args, { env });
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(
        'The package sharp, which decodes images, cannot be loaded (Could not load the "sharp" module): install Headstart again',
      ),
    ]);
  }
});
