import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Retrainer, readRun } from '@headstart/core';
import { expect, it } from 'vitest';
import { runModule } from '../util/script.ts';
import { colourOptions, trainColours } from '../util/served.ts';
import { repositoryRoot } from '../util/shared.ts';
import { temporaryFolder } from '../util/workspace.ts';

const library = pathToFileURL(join(repositoryRoot, 'packages/core/dist/index.js')).href;

it('A new run of a server that was killed in training is removed by the next training', async () => {
  await using place = await temporaryFolder();
  const run = await trainColours(place.path);
  const runs = join(place.path, 'runs');
  const killed = await runModule(`
    import { Retrainer } from ${JSON.stringify(library)};
    const retrainer = new Retrainer(${JSON.stringify(colourOptions(place.path))});
    const onEpoch = () => process.kill(process.pid, 'SIGKILL');
    await retrainer.train({ run: ${JSON.stringify(run)}, onEpoch });`);
  expect(killed.signal).toBe('SIGKILL');
  expect((await readdir(runs)).sort()).toEqual(['colours', 'colours-2']);
  expect(await readdir(join(runs, 'colours-2'))).toContainEqual(
    expect.stringMatching(/^\.training\.headstart-/),
  );
  // A folder that somebody else made stays.
  await mkdir(join(runs, 'colours-3'));
  const retrain = async () => {
    await using retrainer = new Retrainer({ ...colourOptions(place.path), epochs: 1 });
    return (await retrainer.train({ run })).run;
  };
  expect([await retrain(), await retrain()]).toEqual([`${run}-2`, `${run}-4`]);
  expect((await readRun(`${run}-2`)).record.result.epochs).toBe(1);
  expect((await readdir(`${run}-2`)).filter((name) => name.startsWith('.'))).toEqual([]);
}, 60_000);

it('A training with its checkpoint that was killed beside the run of a server is left alone', async () => {
  await using place = await temporaryFolder();
  const run = await trainColours(place.path);
  const folder = `${run}-2`;
  // Killed while it wrote its next checkpoint.
  const names = pathToFileURL(
    join(repositoryRoot, 'packages/core/dist/base/temporary-files.js'),
  ).href;
  await runModule(`
    import { mkdirSync, writeFileSync } from 'node:fs';
    import { join } from 'node:path';
    import { temporaryBeside } from ${JSON.stringify(names)};
    const checkpoint = join(${JSON.stringify(folder)}, 'checkpoint.safetensors');
    mkdirSync(${JSON.stringify(folder)});
    writeFileSync(checkpoint, 'of many epochs');
    writeFileSync(temporaryBeside(checkpoint), 'of one more');`);
  await using retrainer = new Retrainer({ ...colourOptions(place.path), epochs: 1 });
  expect((await retrainer.train({ run })).run).toBe(`${run}-3`);
  expect(await readFile(join(folder, 'checkpoint.safetensors'), 'utf8')).toBe('of many epochs');
}, 60_000);
