import { join } from 'node:path';
import { type TrainOptions, train } from '@headstart/core';
import { defaultLimits, type ServeLimits } from '../../packages/cli/dist/serve/limits.js';
import {
  type RunningServer,
  type ServeOptions,
  serve,
} from '../../packages/cli/dist/serve/serve.js';
import { tinyBackbone, writePictures } from './workspace.ts';

export const servedClasses = ['blue', 'green', 'red'];

/** How the run of {@link trainColours} is trained. */
export function colourOptions(folder: string): TrainOptions {
  return {
    data: join(folder, 'data'),
    backbone: tinyBackbone,
    head: 'linear',
    learningRate: 0.05,
    epochs: 40,
    cacheDir: join(folder, 'cache'),
    modelsDir: join(folder, 'models'),
    device: 'cpu',
    earlyStopping: { enabled: false },
  };
}

/** Pictures of three colours in `data`, and a run on them in `runs/colours`. */
export async function trainColours(folder: string, count = 12): Promise<string> {
  await writePictures(join(folder, 'data'), servedClasses, count);
  const out = join(folder, 'runs/colours');
  const { run } = await train({ ...colourOptions(folder), out });
  return run;
}

export interface TestServer extends RunningServer, AsyncDisposable {
  /** What the server held against itself. */
  readonly failures: unknown[];
}

/** Serves a run on a free port of this machine. */
export async function serveRun(
  run: string,
  options: Partial<Omit<ServeOptions, 'limits'>> & { readonly limits?: Partial<ServeLimits> } = {},
): Promise<TestServer> {
  const failures: unknown[] = [];
  const server = await serve({
    run,
    host: '127.0.0.1',
    port: 0,
    load: { device: 'cpu' },
    batchSize: 8,
    maxWaitMs: 2,
    allowHosts: [],
    retrain: undefined,
    edits: true,
    onFailure: (error) => failures.push(error),
    ...options,
    limits: { ...defaultLimits, ...options.limits },
  });
  return { ...server, failures, [Symbol.asyncDispose]: () => server.close() };
}

/** A form with these files in it, all under one field. */
export function formOf(files: readonly { readonly name: string; readonly bytes: Uint8Array }[]) {
  const form = new FormData();
  for (const { name, bytes } of files) form.append('image', new Blob([Buffer.from(bytes)]), name);
  return form;
}
