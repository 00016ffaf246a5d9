import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cliIn } from '../util/place.ts';
import { outputErrors } from '../util/schemas.ts';
import { formOf, servedClasses, trainColours } from '../util/served.ts';
import { repositoryRoot } from '../util/shared.ts';
import { type TemporaryFolder, temporaryFolder } from '../util/workspace.ts';

let place: TemporaryFolder;
beforeAll(async () => {
  place = await temporaryFolder();
  await trainColours(place.path);
});
afterAll(() => place[Symbol.asyncDispose]());

/** Starts the command as a user does; resolves when it has said where it listens. */
async function start(
  ...args: string[]
): Promise<{ child: ChildProcess; stdout: string; stderr: string }> {
  const cli = join(repositoryRoot, 'packages/cli/bin/headstart.js');
  const child = spawn(process.execPath, [cli, 'serve', 'runs/colours', '--port', '0', ...args], {
    cwd: place.path,
    env: {
      ...process.env,
      HEADSTART_CACHE_DIR: join(place.path, 'cache'),
      HEADSTART_MODELS_DIR: join(place.path, 'models'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdout?.setEncoding('utf8');
  for await (const text of child.stdout ?? []) {
    stdout += text;
    if (stdout.includes('}\n')) break;
  }
  return { child, stdout, stderr };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number> {
  const ended = once(child, 'exit');
  child.kill(signal);
  return (await ended)[0] as number;
}

describe('headstart serve', () => {
  test('says where it listens, trains again as the run was trained, and ends with 0 on SIGTERM', async () => {
    const { child, stdout } = await start('--json');
    expect(outputErrors(['serve'], stdout)).toEqual([]);
    const { url, classes } = JSON.parse(stdout);
    expect(classes).toEqual(servedClasses);
    await fetch(`${url}/api/training`, { method: 'POST' });
    const state = async () => (await fetch(`${url}/api/training`)).json();
    let last = (await state()) as { status: string; error: string | null };
    while (!['ready', 'failed'].includes(last.status)) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      last = (await state()) as typeof last;
    }
    expect(last).toMatchObject({ status: 'ready', run: 'colours-2', error: null });
    const weights = (run: string) => readFile(join(place.path, 'runs', run, 'head.safetensors'));
    expect((await weights('colours-2')).equals(await weights('colours'))).toBe(true);
    expect(await end(child, 'SIGTERM')).toBe(0);
  });

  test('answers what is under way on Ctrl-C, and ends with 130', async () => {
    const { child, stdout } = await start('--json', '--batch-size', '1');
    const { url } = JSON.parse(stdout);
    const bytes = await readFile(join(place.path, 'data/green/green-001.png'));
    const images = Array.from({ length: 30 }, (_, i) => ({ name: `${i}.png`, bytes }));
    const sent = fetch(`${url}/predict`, { method: 'POST', body: formOf(images) });
    const waiting = async () =>
      (await (await fetch(`${url}/metrics`)).text()).includes('waiting 0');
    for (let i = 0; i < 20 && (await waiting()); i++);
    const code = end(child, 'SIGINT');
    expect((await sent).status).toBe(200);
    expect(await code).toBe(130);
  });

  test('is opened to the network by the command line alone, with a warning', async () => {
    const file = join(place.path, 'headstart.json');
    await writeFile(file, JSON.stringify({ serve: { host: '0.0.0.0' } }));
    const refused = await cliIn(place, ['serve', 'runs/colours', '--port', '0']);
    expect([refused.code, refused.stderr]).toEqual([
      2,
      expect.stringContaining('headstart.json: "host" would open the server to others'),
    ]);
    await rm(file);
    const { child, stderr } = await start('--json', '--host', '0.0.0.0');
    expect(stderr).toContain('whoever reaches this port may label images and read /metrics');
    expect(await end(child, 'SIGTERM')).toBe(0);
  });

  test('refuses what is no run, and a folder of images that is not there', async () => {
    const noRun = await cliIn(place, ['serve', 'data']);
    expect([noRun.code, noRun.stderr]).toEqual([1, expect.stringContaining('no finished run')]);
    const noData = await cliIn(place, ['serve', 'runs/colours', '--port', '0', '--data', 'gone']);
    expect([noData.code, noData.stderr]).toEqual([2, expect.stringContaining('gone')]);
    const noPort = await cliIn(place, ['serve', 'runs/colours', '--port', '99999']);
    expect(noPort.code).toBe(2);
  });
});
