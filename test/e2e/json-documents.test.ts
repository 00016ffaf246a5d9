import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setupCuda } from '#core/machine';
import { createProgram } from '../../packages/cli/dist/main.js';
import { writeKerasFile } from '../util/formula.ts';
import { cliIn } from '../util/place.ts';
import { commandName, outputErrors, schemaErrors, schemas } from '../util/schemas.ts';
import { repositoryRoot } from '../util/shared.ts';
import {
  type TemporaryFolder,
  temporaryFolder,
  tinyBackbone,
  writePictures,
} from '../util/workspace.ts';

const backbone = ['--backbone', tinyBackbone];

/**
 * One call of each command, in this order, in a folder with images in `data` and a run in `run`.
 * A command that is not here fails the test below.
 */
const calls: readonly (readonly string[])[] = [
  ['cache', 'export', 'cache.safetensors'],
  ['cache', 'gc', '--older-than', '30d'],
  ['cache', 'import', 'cache.safetensors'],
  ['audit', 'data', ...backbone, '--seeds', '1', '--folds', '3', '--epochs', '2'],
  ['cache', 'ls'],
  ['cache', 'merge', 'cache'],
  ['cache', 'verify'],
  ['cache', 'verify', '--recompute', 'data', ...backbone],
  ['check', 'data'],
  ['compare', 'run', 'run'],
  ['demo', ...backbone],
  ['doctor'],
  ['evaluate', 'run', 'data'],
  ['explain', 'run', 'data/red/red-001.png', 'data/red/broken.jpg'],
  ['export', 'run', '--precision', 'int8', '--out', 'exported'],
  ['features', 'data', ...backbone, '--precision', 'int8', '--out', 'f.safetensors'],
  ['folds', 'data', ...backbone, '--epochs', '2', '--no-augment'],
  ['learning-curve', 'data', ...backbone, '--seeds', '1', '--sizes', '4', '--epochs', '2'],
  ['predict', 'run', 'data/red', 'data/red/broken.jpg'],
  ['pull', '--from', 'keras.h5'],
  ['sweep', 'data', ...backbone, '--trials', '4', '--epochs', '2', '--out', 'sweep'],
  ['train', 'data', ...backbone, '--epochs', '2', '--out', 'run', '--overwrite'],
];

/** Commands that would change the installation: a test calls what they print instead. */
const calledOtherwise = ['serve', 'setup'];

let place: TemporaryFolder;
beforeAll(async () => {
  place = await temporaryFolder();
  const data = join(place.path, 'data');
  await writePictures(data, ['blue', 'green', 'red'], 6);
  await writeFile(join(data, 'red/broken.jpg'), 'this is no picture');
  await copyFile(join(data, 'red/red-000.png'), join(data, 'blue/copy.png'));
  await writeKerasFile(join(place.path, 'keras.h5'));
  const args = ['train', 'data', ...backbone, '--epochs', '2', '--out', 'run'];
  expect((await cliIn(place, args)).code).toBe(0);
});
afterAll(() => place[Symbol.asyncDispose]());

type Command = ReturnType<typeof createProgram>;

/** Names of the commands that print a document, as their schemas are called. */
function commandsWithJson(command: Command, parent?: string): string[] {
  const name = parent === undefined ? '' : [parent, command.name()].filter(Boolean).join('-');
  const own = command.options.some(({ long }) => long === '--json') ? [name] : [];
  return [...own, ...command.commands.flatMap((each) => commandsWithJson(each, name))];
}
const commands = commandsWithJson(createProgram(() => async () => {})).sort();

describe('a command’s document under --json', () => {
  it.each(calls)('fits the schema that is shipped: %s %s', async (...args) => {
    const { code, stdout, stderr } = await cliIn(place, [...args, '--json']);
    expect(stderr).not.toContain('error:');
    expect(code).toBe(0);
    expect(outputErrors(args, stdout)).toEqual([]);
    expect(JSON.parse(stdout)).not.toHaveProperty('error');
  });

  it('fits the schema that is shipped: setup cuda', async () => {
    const directory = join(place.path, 'runtime');
    await mkdir(directory);
    const result = await setupCuda({ directory, undo: true });
    expect(schemaErrors('setup', JSON.parse(JSON.stringify(result)))).toEqual([]);
    const missing = [{ library: 'libcudnn.so.9', advice: 'part of cuDNN 9' }];
    expect(schemaErrors('setup', { directory, files: [], missing })).toEqual([]);
  });

  it('is called here for each command', () => {
    const called = new Set([...calls.map(commandName), ...calledOtherwise]);
    expect([...called].sort()).toEqual(commands);
  });

  it.each([
    ['a failure', ['predict', 'no-run', 'x.png', '--json'], 'RUN_INVALID', 1],
    ['wrong usage', ['train', '--no-such-option', '--json'], 'USAGE', 2],
    ['an unknown command', ['tran', '--json'], 'USAGE', 2],
    ['a wrong value', ['train', 'data', '--json', '--epochs', 'many'], 'USAGE', 2],
  ] as const)('is the one of errors after %s', async (_what, args, error, exitCode) => {
    const { code, stdout } = await cliIn(place, args);
    expect(schemaErrors('error', JSON.parse(stdout))).toEqual([]);
    expect(JSON.parse(stdout).error.code).toBe(error);
    expect(code).toBe(exitCode);
  });
});

describe('the schemas', () => {
  it('are there for each command, and for no other', () => {
    expect([...schemas.keys()].filter((name) => name !== 'error').sort()).toEqual(commands);
  });

  it('are JSON Schemas of draft 2020-12 under their file’s name, and say what they are of', () => {
    for (const [name, schema] of schemas) {
      expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
      expect(schema.$id).toBe(`${name}.schema.json`);
      const words = (text: string) => text.replaceAll('-', ' ');
      expect(words(schema.title)).toContain(words(name === 'error' ? '--json' : name));
    }
  });

  it('know every property of every object: what is new in a document is found', () => {
    for (const [name, schema] of schemas) {
      for (const object of objectsIn(schema)) {
        expect(object, name).toHaveProperty('additionalProperties');
        if (object.properties) expect(object.additionalProperties, name).toBe(false);
      }
    }
  });

  it('refuse what a command does not print', () => {
    const exported = { cache: 'x', file: 'f', records: 1, damaged: 0 };
    expect(schemaErrors('cache-export', exported)).toEqual([]);
    expect(schemaErrors('cache-export', { cache: 'x', file: 'f', records: 1 })).toHaveLength(1);
    expect(schemaErrors('cache-export', { ...exported, seconds: 1 })).toHaveLength(1);
  });

  it('are part of the package', async () => {
    const manifest = await readFile(join(repositoryRoot, 'packages/cli/package.json'), 'utf8');
    expect(JSON.parse(manifest).files).toContain('schemas');
  });
});

interface ObjectSchema {
  readonly type?: unknown;
  readonly properties?: unknown;
  readonly additionalProperties?: unknown;
}

/** Every schema of an object in a schema. */
function objectsIn(schema: unknown): ObjectSchema[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const inner = Object.values(schema).flatMap(objectsIn);
  return (schema as ObjectSchema).type === 'object' ? [schema, ...inner] : inner;
}
