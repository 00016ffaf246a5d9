import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readRun } from '@headstart/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { floatTensor, node, smallModel } from '../unit/backbone/models.ts';
import { bundledLibrary } from '../util/bundled.ts';
import { runCli } from '../util/cli.ts';
import { repositoryRoot } from '../util/shared.ts';
import {
  type TemporaryFolder,
  temporaryFolder,
  tinyBackbone,
  writePictures,
} from '../util/workspace.ts';

let place: TemporaryFolder;
const at = (...parts: string[]) => join(place.path, ...parts);

/** Layers that ONNX Runtime takes some hundred milliseconds for, so that an exit falls into a run. */
function slowModel(): Uint8Array {
  const [size, filters, layers] = [224, 32, 8];
  const weights = (inputs: number) =>
    new Float32Array(filters * inputs * 9).map((_, i) => ((i * 37) % 19) / 100 - 0.09);
  const names = Array.from({ length: layers }, (_, i) => `kernel${i}`);
  const nodes = names.flatMap((kernel, i) => [
    node('Conv', [i === 0 ? 'pixels' : `layer${i}`, kernel], `sums${i}`, { pads: [1, 1, 1, 1] }),
    node('LeakyRelu', [`sums${i}`], `layer${i + 1}`),
  ]);
  return smallModel({
    input: { dims: ['N', 3, size, size] },
    outputs: [{ name: 'features', dims: ['N', filters, 7, 7] }],
    nodes: [
      ...nodes,
      node('AveragePool', [`layer${layers}`], 'features', {
        kernel_shape: [32, 32],
        strides: [32, 32],
      }),
    ],
    initializers: names.map((name, i) =>
      floatTensor(name, [filters, i === 0 ? 3 : filters, 3, 3], weights(i === 0 ? 3 : filters)),
    ),
    metadata: { preprocessing: 'rescale' },
  });
}

const device = ['--device', 'cpu'];

beforeAll(async () => {
  place = await temporaryFolder();
  await writePictures(at('data'), ['blue', 'red'], 8);
  await writeFile(at('slow.onnx'), slowModel());
  const { code, stderr } = await runCli(
    ['train', 'data', '--backbone', 'slow.onnx', '--preprocess', 'rescale', '--no-augment']
      .concat(['--no-folds', '--epochs', '2', '--head', 'linear', '--out', 'run'])
      .concat(device),
    { cwd: place.path, env: folders() },
  );
  expect([code, stderr]).toEqual([0, expect.any(String)]);
}, 300_000);
afterAll(() => place[Symbol.asyncDispose]());

const folders = () => ({
  HEADSTART_CACHE_DIR: at('cache'),
  HEADSTART_MODELS_DIR: at('models'),
  HEADSTART_ENGINE: 'onnxruntime',
});

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stderr: string;
}

/** Starts a process; `meddle` closes its output or signals it. */
function start(
  args: readonly string[],
  stdout: 'pipe' | number,
  meddle: (child: ReturnType<typeof spawn>) => void,
): Promise<Ended> {
  const child = spawn(process.execPath, args, {
    cwd: place.path,
    env: { ...process.env, ...bundledLibrary(), ...folders() },
    stdio: ['ignore', stdout, 'pipe'],
  });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  meddle(child);
  return new Promise((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, stderr }));
  });
}

/** Twenty times, four at once: what a process ends with must not depend on chance. */
async function twenty(once: () => Promise<Ended>): Promise<Set<string>> {
  const ends = new Set<string>();
  for (let i = 0; i < 5; i++) {
    for (const { code, signal, stderr } of await Promise.all([once(), once(), once(), once()])) {
      const crash = /terminate called|Napi::Error/.exec(stderr)?.[0];
      ends.add([code ?? signal, crash].filter((part) => part !== undefined).join(' '));
    }
  }
  return ends;
}

const cli = join(repositoryRoot, 'packages/cli/bin/headstart.js');
const library = pathToFileURL(join(repositoryRoot, 'packages/core/dist/index.js')).href;
const predict = [cli, 'predict', 'run', 'data/blue', 'data/red', '--format', 'jsonl', ...device];

describe('a process that ends while ONNX Runtime works', () => {
  it('ends with 0 where the reader of its output has gone', async () => {
    const once = () =>
      start(predict, 'pipe', ({ stdout }) => {
        stdout?.once('data', () => stdout.destroy());
      });
    expect(await twenty(once)).toEqual(new Set(['0']));
  }, 300_000);

  it.runIf(process.platform === 'linux')(
    'ends with 1 where its output cannot be written',
    async () => {
      const once = () => start(predict, openSync('/dev/full', 'w'), () => {});
      expect(await twenty(once)).toEqual(new Set(['1']));
    },
    300_000,
  );

  it('ends with 130 on the second Ctrl-C', async () => {
    const once = () =>
      start(predict, 'pipe', (child) => {
        child.stdout?.once('data', () => {
          child.kill('SIGINT');
          setTimeout(() => child.kill('SIGINT'), 20);
        });
        child.stdout?.resume();
      });
    expect(await twenty(once)).toEqual(new Set(['130']));
  }, 300_000);

  it('ends with its own code where a program of the library exits', async () => {
    const program = `
      import { loadClassifier } from ${JSON.stringify(library)};
      const classifier = await loadClassifier('run', { device: 'cpu' });
      setTimeout(() => process.exit(7), 150);
      for await (const item of classifier.classify(Array(8).fill('data/red/red-001.png'))) void item;
      process.exit(8);`;
    await writeFile(at('program.mjs'), program);
    const once = () => start(['program.mjs'], 'pipe', ({ stdout }) => stdout?.resume());
    expect(await twenty(once)).toEqual(new Set(['7']));
  }, 300_000);
});

describe('a command whose output nobody reads', () => {
  it('trains to its end, and says by its code how that went', async () => {
    const train = [cli, 'train', 'data', '--backbone', tinyBackbone, '--no-augment', '--no-folds'];
    const once = (out: string, ...more: string[]) =>
      start(
        [...train, '--epochs', '30', '--no-early-stopping', '--out', out, ...device, ...more],
        'pipe',
        (child) => {
          child.stderr?.once('data', () => child.stderr?.destroy());
          child.stdout?.destroy();
        },
      );
    expect(await once('unread')).toMatchObject({ code: 0, signal: null });
    expect((await readRun(at('unread'))).record.result.epochs).toBe(30);
    const strict = await once(
      'below',
      '--assert-accuracy-at-least',
      '1',
      '--learning-rate',
      '1e-9',
    );
    expect(strict.code).toBe(4);
  }, 120_000);
});

describe('ONNX Runtime', () => {
  it('writes nothing of its own into the user’s folders', async () => {
    const [home, temporary] = [at('home'), at('temporary')];
    const env = { ...folders(), HOME: home, TMPDIR: temporary, XDG_CACHE_HOME: '' };
    await mkdir(home);
    await mkdir(temporary);
    const run = async (...args: string[]) => {
      const { code, stderr } = await runCli(args, { cwd: place.path, env });
      expect([args[0], code, stderr]).toEqual([args[0], 0, expect.any(String)]);
    };
    const train = ['train', 'data', '--backbone', tinyBackbone, '--no-augment', '--no-folds'];
    await run(...train, '--epochs', '1', '--out', 'tiny', ...device);
    await run('features', 'data', '--backbone', 'slow.onnx', '--precision', 'int8', '--no-augment');
    await run('predict', 'tiny', 'data/red/red-001.png', ...device);
    await run('doctor');
    const served = await runCli(['serve', 'tiny', '--port', '0', ...device], {
      cwd: place.path,
      env,
      stdinStaysOpen: true,
      interruptWhen: (stderr, stdout) => /http:\/\//.test(stderr + stdout),
    });
    expect(served.stderr).not.toContain('error');
    const found = [
      ...(await readdir(home, { recursive: true })),
      ...(await readdir(temporary, { recursive: true })),
    ];
    expect(
      found.filter((name) => /onnxruntime|DeveloperTools|mat-debug|\.ses$/.test(name)),
    ).toEqual([]);
  }, 300_000);
});
