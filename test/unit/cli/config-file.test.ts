import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeProgram } from '../../../packages/cli/dist/command-tree.js';
import { applyConfigFile } from '../../../packages/cli/dist/config-file.js';
import { configSchema } from '../../../packages/cli/dist/config-schema.js';
import { createProgram } from '../../../packages/cli/dist/main.js';
import { cliIn } from '../../util/place.ts';
import { type TemporaryFolder, temporaryFolder } from '../../util/workspace.ts';

let place: TemporaryFolder;

beforeAll(async () => {
  place = await temporaryFolder();
});

afterAll(() => place[Symbol.asyncDispose]());

/** What a command's options are, with a file of options and the words of a command line. */
async function optionsWith(file: unknown, words: readonly string[]) {
  const path = join(place.path, 'options.json');
  await writeFile(path, typeof file === 'string' ? file : JSON.stringify(file));
  let options: Record<string, unknown> = {};
  let flags: readonly string[] | undefined;
  const program = createProgram(() => async (...args: unknown[]) => {
    const command = args.at(-1) as Parameters<typeof applyConfigFile>[0];
    flags = (await applyConfigFile(command))?.flags;
    options = command.opts();
  });
  await program.parseAsync([...words, '--config', path], { from: 'user' });
  return { options, flags };
}

const optionsOf = async (file: unknown, words: readonly string[]) =>
  (await optionsWith(file, words)).options;

describe('a file of options', () => {
  it('sets options by the names of their flags, for each command that has them', async () => {
    const file = { epochs: 7, topk: 5, device: 'cpu' };
    expect(await optionsOf(file, ['train', 'x'])).toMatchObject({ epochs: 7, device: 'cpu' });
    expect(await optionsOf(file, ['predict', 'x', 'y'])).toMatchObject({ topk: 5, device: 'cpu' });
  });

  it('has a part of its own for a command, which goes before the rest', async () => {
    const file = {
      quiet: true,
      epochs: 7,
      train: { epochs: 9 },
      cache: { verify: { sample: '1%' } },
    };
    expect(await optionsOf(file, ['train', 'x'])).toMatchObject({ epochs: 9, quiet: true });
    expect(await optionsOf(file, ['cache', 'verify'])).toMatchObject({ sample: 0.01, quiet: true });
  });

  it('has a command’s own part go before the rest, by whichever of two names', async () => {
    const on = { 'no-flip': true, train: { flip: true } };
    const { options, flags } = await optionsWith(on, ['train', 'x']);
    expect([options.flip, flags]).toEqual([true, ['--flip']]);
    const off = { flip: true, train: { 'no-flip': true } };
    expect(await optionsOf(off, ['train', 'x'])).toMatchObject({ flip: false });
  });

  it('yields to the command line, and says what it set', async () => {
    const file = { epochs: 7, 'batch-size': 8 };
    const { options, flags } = await optionsWith(file, ['train', 'x', '--epochs', '2']);
    expect(options).toMatchObject({ epochs: 2, batchSize: 8 });
    expect(flags).toEqual(['--batch-size 8']);
  });

  it('yields to the environment', async () => {
    process.env.HEADSTART_CACHE_DIR = '/elsewhere';
    try {
      const options = await optionsOf({ 'cache-dir': 'cache' }, ['cache', 'ls']);
      expect(options.cacheDir).toBe('/elsewhere');
    } finally {
      delete process.env.HEADSTART_CACHE_DIR;
    }
  });

  it('turns switches on and off', async () => {
    const off = { flip: false, augment: false, 'no-shuffle': true, resume: true };
    expect(await optionsOf(off, ['train', 'x'])).toMatchObject({
      flip: false,
      augment: false,
      shuffle: false,
      resume: true,
    });
    expect(await optionsOf({ 'no-flip': false }, ['train', 'x'])).toMatchObject({ flip: true });
  });

  it('takes false for an option that has a value or can be left out', async () => {
    const { options, flags } = await optionsWith({ train: { folds: false } }, ['train', 'x']);
    expect(options).toMatchObject({ folds: false });
    expect(flags).toEqual(['--no-folds']);
    expect(await optionsOf({ folds: 3 }, ['train', 'x'])).toMatchObject({ folds: 3 });
  });

  it('names paths relative to itself, and leaves names and URLs alone', async () => {
    const paths = { 'cache-dir': 'cache', head: 'heads/a.json', backbone: 'vgg16-untrained' };
    expect(await optionsOf(paths, ['train', 'x'])).toMatchObject({
      cacheDir: join(place.path, 'cache'),
      head: join(place.path, 'heads/a.json'),
      backbone: 'vgg16-untrained',
    });
    const url = { from: 'https://example.org/model.safetensors' };
    expect(await optionsOf(url, ['pull'])).toMatchObject(url);
  });

  it.each([
    ['an unknown name', { epoch: 7 }, 'no command has an option "epoch" (did you mean "epochs"?)'],
    [
      'a name of another case',
      { train: { batchSize: 7 } },
      'headstart train has no option "batchSize" (did you mean "batch-size"?)',
    ],
    ['an unknown command', { trian: {} }, 'there is no command "trian" (did you mean "train"?)'],
    [
      'another command’s option',
      { predict: { epochs: 1 } },
      'headstart predict has no option "epochs"',
    ],
    ['a value out of range', { epochs: 0 }, '"epochs" is 0. Give an integer from 1 to 2147483647'],
    [
      'a value that is no choice',
      { device: 'gpu' },
      '"device" is gpu. Allowed choices are auto, cuda, cpu',
    ],
    ['a switch that is no boolean', { flip: 'no' }, '"flip" must be true or false'],
    ['a value of another type', { epochs: true }, '"epochs" must be a string or a number'],
    ['several values for one', { epochs: [1, 2] }, '"epochs" takes one value'],
    ['an array', [], 'it must hold an object'],
    ['text that is no JSON', '{', 'it is not JSON'],
  ])('is refused with %s', async (_, file, message) => {
    await expect(optionsWith(file, ['train', 'x'])).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(`options.json: ${message}`),
    });
  });

  it('is headstart.json of the working folder, unless --no-config is given', async () => {
    await using folder = await temporaryFolder();
    await writeFile(join(folder.path, 'headstart.json'), '{ "json": true, "cache-dir": "kept" }');
    await mkdir(join(folder.path, 'kept'));
    // An empty variable says nothing; where the cache is then must not be the user's own.
    const none = join(folder.path, 'none');
    const home = { HOME: none, XDG_CACHE_HOME: none, LOCALAPPDATA: none };
    const env = { HEADSTART_CACHE_DIR: '', ...home };
    const { stdout, stderr } = await cliIn(folder, ['cache', 'ls'], { env });
    expect(stderr).toContain('From headstart.json: --json --cache-dir ');
    expect(JSON.parse(stdout).error.message).toContain(join(folder.path, 'kept'));
    const without = await cliIn(folder, ['cache', 'ls', '--no-config', '--cache-dir', 'none'], {
      env,
    });
    expect(without.stdout).toBe('');
  });

  it('that is named must be there', async () => {
    const { code, stderr } = await cliIn(place, ['doctor', '--config', 'none.json']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: none\.json: it cannot be read/);
  });
});

describe('the schema of headstart.json', () => {
  const schema = configSchema(describeProgram(createProgram(() => async () => {})));
  const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema);

  it.each([
    [{ $schema: './node_modules/headstart/headstart.schema.json', epochs: 5 }],
    [{ train: { 'steps-per-epoch': 'auto', flip: false, 'width-shift': 0.1 } }],
    [{ features: { views: 2 }, train: { features: 'a.safetensors', views: 'exact' } }],
    [{ cache: { verify: { sample: '1%' } } }],
  ])('takes %j', (file) => {
    expect(validate(file), JSON.stringify(validate.errors)).toBe(true);
  });

  it.each([
    [{ epoch: 5 }],
    [{ train: { topk: 5 } }],
    [{ epochs: 0 }],
    [{ device: 'gpu' }],
    [{ train: { flip: 'no' } }],
    [{ config: 'other.json' }],
  ])('refuses %j', (file) => {
    expect(validate(file)).toBe(false);
  });
});
