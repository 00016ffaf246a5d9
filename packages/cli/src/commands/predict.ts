import {
  type Classified,
  type Classifier,
  loadClassifier,
  type NoticeListener,
} from '@headstart/core';
import { type Command, Option } from 'commander';
import { exitCode } from '../exit-codes.ts';
import { expandInputs } from '../inputs.ts';
import {
  addCommonOptions,
  addDeviceOptions,
  type CommonOptions,
  type DeviceOptions,
  wholeNumber,
} from '../options.ts';
import { createPredictionWriter, type PredictionFormat } from '../prediction-writer.ts';
import { type CommandContext, noticesTo, type Runner } from '../runner.ts';
import { plural } from '../table.ts';

interface PredictOptions extends CommonOptions, DeviceOptions {
  readonly topk: number;
  readonly format?: PredictionFormat;
  readonly strict?: boolean;
}

export function addPredictCommand(program: Command, runner: Runner): void {
  const command = program
    .command('predict')
    .description('label images with a trained run')
    .argument('<run>', 'run folder')
    .argument('<input...>', 'files, folders, globs, or - for one path a line on stdin')
    .addOption(
      new Option('--topk <k>', 'how many classes to name').argParser(wholeNumber(1)).default(3),
    )
    .addOption(
      new Option('--format <name>', 'output (default: table, or json under --json)').choices([
        'table',
        'csv',
        'json',
        'jsonl',
      ]),
    )
    .option('--strict', 'exit with code 3 where an input cannot be read');
  addDeviceOptions(command);
  addCommonOptions(command);
  command.action(
    runner((context, run: string, inputs: string[], options: PredictOptions) =>
      predict(context, run, inputs, options),
    ),
  );
}

async function predict(
  { ui, signal }: CommandContext,
  run: string,
  inputs: readonly string[],
  options: PredictOptions,
) {
  await using classifier = await loadClassifier(run, {
    device: options.device,
    requireGpu: options.requireGpu,
    threads: options.threads,
    signal,
  });
  announceDevice(classifier, noticesTo(ui));
  const format = options.format ?? (options.json ? 'json' : 'table');
  const writer = createPredictionWriter(format, options.topk, ui.write);
  let unreadable = 0;
  let done = 0;
  for await (const item of classifier.classify(expandInputs(inputs), { signal })) {
    if (isUnreadable(item)) unreadable += 1;
    await writer.add(item);
    done += 1;
    if (format === 'table') ui.onProgress({ stage: 'predicting', done, unit: 'images' });
  }
  ui.finish();
  await writer.end();
  if (done > 0 && unreadable === done) {
    ui.warn(`error: none of the ${plural(done, 'input')} could be read.`);
    return exitCode.failed;
  }
  if (unreadable > 0) ui.warn(`warning: ${plural(unreadable, 'input')} could not be read.`);
  return options.strict && unreadable > 0 ? exitCode.filesSkipped : undefined;
}

export function announceDevice({ backbone }: Classifier, onNotice: NoticeListener): void {
  onNotice({ level: 'info', text: `Backbone ${backbone.name} on ${backbone.device}` });
  if (backbone.notice) onNotice({ level: 'info', text: backbone.notice });
  if (backbone.untrained) {
    onNotice({ level: 'warning', text: 'this run was trained on UNTRAINED features.' });
  }
}

function isUnreadable(item: Classified): boolean {
  return 'error' in item;
}
