import { readRun } from '@headstart/core';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { exitCode } from '../exit-codes.ts';
import {
  addCommonOptions,
  addDeviceOptions,
  type CommonOptions,
  type DeviceOptions,
  numberBetween,
  optionWithDefault as opt,
  wholeNumber,
} from '../options.ts';
import { type CommandContext, noticesTo, type Runner } from '../runner.ts';
import { defaultLimits } from '../serve/limits.ts';
import type { RunningServer } from '../serve/serve.ts';
import { announceDevice } from './predict.ts';
import { recordedTrainOptions } from './recorded-options.ts';

interface ServeCommandOptions extends CommonOptions, DeviceOptions {
  readonly host: string;
  readonly port: number;
  readonly allowHost: readonly string[];
  readonly allowEdits?: boolean;
  readonly data?: string;
  readonly batchSize?: number;
  readonly batchWait: number;
  readonly maxBody: number;
  readonly maxImages: number;
  readonly maxPixels: number;
  readonly queue: number;
  readonly timeout: number;
}

export function addServeCommand(program: Command, runner: Runner): void {
  const command = program
    .command('serve')
    .description('label images over HTTP, with a page to try and correct the run')
    .argument('<run>', 'run folder')
    .addOption(new Option('--host <address>', 'where to listen').default('127.0.0.1'))
    .addOption(opt('--port <n>', 'where to listen; 0 for any that is free', portNumber, 8080))
    .addOption(
      new Option(
        '--allow-host <name>',
        'a name that the server answers by, besides localhost and addresses; repeatable',
      )
        .argParser((name: string, before: readonly string[]) => [...before, checkedName(name)])
        .default([], 'none'),
    )
    .option(
      '--allow-edits',
      'let the page show the run’s images, correct labels and train, also from other machines',
    )
    .option('--data <folder>', 'the run’s images, where they are not where they were');
  addLimitOptions(command);
  addDeviceOptions(command);
  addCommonOptions(command);
  command.action(
    runner((context, run: string, options: ServeCommandOptions) =>
      serveUntilStopped(context, run, options),
    ),
  );
}

function addLimitOptions(command: Command): void {
  const { maxBodyBytes, maxImages, maxPixels, queueLimit, timeoutMs } = defaultLimits;
  const megabytes = numberBetween(0, 1024, { open: true });
  command
    .addOption(
      new Option(
        '--batch-size <n>',
        'images in one inference, at most (default: 8 on the CPU, 64 on a GPU)',
      ).argParser(wholeNumber(1)),
    )
    .addOption(
      opt('--batch-wait <ms>', 'how long an idle model waits for more', numberBetween(0, 1000), 5),
    )
    .addOption(opt('--max-body <mb>', 'MiB of one request', megabytes, maxBodyBytes / 1024 ** 2))
    .addOption(opt('--max-images <n>', 'images of one request', wholeNumber(1), maxImages))
    .addOption(opt('--max-pixels <n>', 'pixels of one image', wholeNumber(1), maxPixels))
    .addOption(opt('--queue <n>', 'images that may wait; more get 503', wholeNumber(1), queueLimit))
    .addOption(
      opt(
        '--timeout <seconds>',
        'for a request to arrive, and for its answer',
        numberBetween(0.1, 3600),
        timeoutMs / 1000,
      ),
    );
}

/** With a port or without: it is not looked at. */
function checkedName(name: string): string {
  if (/^[a-z0-9]([a-z0-9._-]*[a-z0-9])?(:\d+)?$/i.test(name)) return name;
  throw new InvalidArgumentError('It must be a name as in box.local, without https:// and paths.');
}

const anyPort = wholeNumber(0);
const portNumber = (text: string) => numberBetween(0, 65_535)(String(anyPort(text)));

/** Ctrl-C ends with 130 as everywhere; SIGTERM is how a service is stopped, and ends with 0. */
async function serveUntilStopped(
  { ui, signal }: CommandContext,
  run: string,
  options: ServeCommandOptions,
) {
  let terminated = false;
  process.once('SIGTERM', () => {
    terminated = true;
  });
  // Loaded where it is needed: other commands do not wait for a web server.
  const { serve } = await import('../serve/serve.ts');
  const { record } = await readRun(run);
  const server = await serve({
    run,
    data: options.data,
    retrain: recordedTrainOptions(record, {
      data: options.data,
      cacheDir: options.cacheDir,
      modelsDir: options.modelsDir,
      device: options.device,
      requireGpu: options.requireGpu,
      threads: options.threads,
    }),
    edits: options.allowEdits ?? isLoopback(options.host),
    host: options.host,
    port: options.port,
    load: {
      device: options.device,
      requireGpu: options.requireGpu,
      threads: options.threads,
      signal,
    },
    batchSize: options.batchSize,
    maxWaitMs: options.batchWait,
    limits: {
      maxBodyBytes: Math.round(options.maxBody * 1024 ** 2),
      maxImages: options.maxImages,
      maxPixels: options.maxPixels,
      queueLimit: Math.max(options.queue, options.maxImages),
      timeoutMs: options.timeout * 1000,
    },
    allowHosts: options.allowHost,
    onFailure: (error) => ui.warn(`error: ${error instanceof Error ? error.stack : error}`),
    signal,
  });
  announce(server, ui, run);
  await stopped(signal);
  ui.info('Stopping: requests under way are answered; Ctrl-C again ends at once.');
  await server.close();
  return terminated ? exitCode.done : exitCode.interrupted;
}

/** Only programs of this machine reach it. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host);
}

function announce({ url, model }: RunningServer, ui: CommandContext['ui'], run: string): void {
  announceDevice(model.batched.classifier, noticesTo(ui));
  const document = { url, run, classes: model.record.classes };
  ui.result(document, `Serving ${run} on ${url} (Ctrl-C stops it)`);
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
