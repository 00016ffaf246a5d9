import { integer, number, onOff, option, path, text } from '@headstart/core/options';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { exitCode } from '../exit-codes.ts';
import {
  addCommonOptions,
  addDeviceOptions,
  addOptions,
  type CommonOptions,
  type DeviceOptions,
  type FlagValues,
} from '../options.ts';
import { type CommandContext, noticesTo, type Runner } from '../runner.ts';
import { defaultLimits } from '../serve/limits.ts';
import type { RunningServer } from '../serve/serve.ts';
import { announceDevice } from './announce-device.ts';
import { thresholdOption, unknownWarning } from './predict-options.ts';

const listenOptions = {
  host: option(text('address'), { default: '127.0.0.1', help: 'where to listen' }),
  port: option(integer({ max: 65_535 }), {
    default: 8080,
    help: 'where to listen; 0 for any that is free',
  }),
} as const;

const editOptions = {
  allowEdits: option(onOff(), {
    help: 'let the page show the run’s images, correct labels and train, also from other machines',
  }),
  data: option(path('folder'), { help: 'the run’s images, where they are not where they were' }),
} as const;

const { maxBodyBytes, maxImages, maxPixels, queueLimit, timeoutMs } = defaultLimits;

const limitOptions = {
  batchSize: option(integer({ min: 1 }), {
    help: 'images in one inference, at most (default: 8 on the CPU, 64 on a GPU)',
  }),
  batchWait: option(number({ min: 0, max: 1000 }), {
    default: 5,
    placeholder: 'ms',
    help: 'how long an idle model waits for more',
  }),
  maxBody: option(number({ min: 0, below: 1024 }), {
    default: maxBodyBytes / 1024 ** 2,
    placeholder: 'mb',
    help: 'MiB of one request',
  }),
  maxImages: option(integer({ min: 1 }), { default: maxImages, help: 'images of one request' }),
  maxPixels: option(integer({ min: 1 }), { default: maxPixels, help: 'pixels of one image' }),
  queue: option(integer({ min: 1 }), {
    default: queueLimit,
    help: 'images that may wait; more get 503',
  }),
  timeout: option(number({ min: 0.1, max: 3600 }), {
    default: timeoutMs / 1000,
    placeholder: 'seconds',
    help: 'for a request to arrive, and for its answer',
  }),
} as const;

interface ServeCommandOptions
  extends CommonOptions,
    DeviceOptions,
    FlagValues<
      typeof listenOptions & typeof editOptions & typeof thresholdOption & typeof limitOptions
    > {
  readonly allowHost: readonly string[];
}

export function addServeCommand(program: Command, runner: Runner): void {
  const command = program
    .command('serve')
    .description('label images over HTTP, with a page to try and correct the run')
    .argument('<run>', 'run folder');
  addOptions(command, listenOptions);
  command.addOption(
    new Option(
      '--allow-host <name>',
      'a name that the server answers by, besides localhost and addresses; repeatable',
    )
      .argParser((name: string, before: readonly string[]) => [...before, checkedName(name)])
      .default([], 'none'),
  );
  addOptions(command, { ...editOptions, ...thresholdOption, ...limitOptions });
  addDeviceOptions(command);
  addCommonOptions(command);
  command.action(
    runner(async (context, run: string, options: ServeCommandOptions) => {
      const { configFileName } = await import('../config-file.ts');
      const { checkExposure } = await import('../serve/exposure.ts');
      checkExposure(
        configFileName,
        options,
        (option) => command.getOptionValueSource(option) === 'config',
      );
      return serveUntilStopped(context, run, options);
    }),
  );
}

/** With a port or without: it is not looked at. */
function checkedName(name: string): string {
  if (/^[a-z0-9]([a-z0-9._-]*[a-z0-9])?(:\d+)?$/i.test(name)) return name;
  throw new InvalidArgumentError('It must be a name as in box.local, without https:// and paths.');
}

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
  const { readRun } = await import('@headstart/core');
  const { exposureWarning, isLoopback } = await import('../serve/exposure.ts');
  const { serve } = await import('../serve/serve.ts');
  const { recordedTrainOptions } = await import('./recorded-options.ts');
  const edits = options.allowEdits ?? isLoopback(options.host);
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
    edits,
    host: options.host,
    port: options.port,
    load: {
      device: options.device,
      requireGpu: options.requireGpu,
      threads: options.threads,
      signal,
    },
    threshold: options.threshold,
    batchSize: options.batchSize,
    maxWaitMs: options.batchWait,
    limits: {
      ...defaultLimits,
      maxBodyBytes: Math.round(options.maxBody * 1024 ** 2),
      maxImages: options.maxImages,
      maxPixels: options.maxPixels,
      queueLimit: Math.max(options.queue, options.maxImages),
      timeoutMs: options.timeout * 1000,
      stopMs: defaultLimits.stopMs,
    },
    allowHosts: options.allowHost,
    onFailure: (error) => ui.warn(`error: ${error instanceof Error ? error.stack : error}`),
    signal,
  });
  const warnings = [
    exposureWarning(options.host, edits),
    unknownWarning(record.classes, options.threshold),
  ];
  for (const warning of warnings) if (warning !== undefined) ui.warn(warning);
  announce(server, ui, run);
  await stopped(signal);
  ui.info('Stopping: requests under way are answered; Ctrl-C again ends at once.');
  await server.close();
  return terminated ? exitCode.done : exitCode.interrupted;
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
