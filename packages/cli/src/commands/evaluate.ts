import { evaluateJob } from '@headstart/core';
import { type Command, Option } from 'commander';
import { exitCode } from '../exit-codes.ts';
import {
  addCommonOptions,
  addDeviceOptions,
  type CommonOptions,
  type DeviceOptions,
  numberBetween,
} from '../options.ts';
import { noticesTo, type Runner } from '../runner.ts';
import { percent, plural, table } from '../table.ts';
import { addDataOptions, type DataOptions } from './data-options.ts';

interface EvaluateOptions extends CommonOptions, DeviceOptions, DataOptions {
  readonly split?: 'train' | 'validation' | 'test' | 'all';
  readonly strict?: boolean;
  readonly assertAccuracyAtLeast?: number;
}

export function addEvaluateCommand(program: Command, runner: Runner): void {
  const command = program
    .command('evaluate')
    .description('measure a run on labelled images or on a feature file')
    .argument('<run>', 'run folder')
    .argument('<data>', 'labelled folder, or feature file (safetensors)')
    .addOption(
      new Option(
        '--split <name>',
        'which part of a folder with train/ and validation/ or test/, or of the run’s own split',
      ).choices(['train', 'validation', 'test', 'all']),
    )
    .option('--strict', 'exit with code 3 where files were skipped')
    .addOption(
      new Option(
        '--assert-accuracy-at-least <x>',
        'exit with code 4 below this accuracy',
      ).argParser(numberBetween(0, 1)),
    );
  addDataOptions(command);
  addDeviceOptions(command);
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, run: string, data: string, options: EvaluateOptions) => {
      const result = await evaluateJob({
        ...options,
        run,
        data,
        signal,
        onProgress: ui.onProgress,
        onNotice: noticesTo(ui),
      });
      ui.result(result, evaluateText(result));
      const floor = options.assertAccuracyAtLeast;
      if (floor !== undefined && result.metrics.accuracy < floor) {
        ui.warn(
          `error: accuracy ${percent(result.metrics.accuracy, 2)} is below --assert-accuracy-at-least ${floor}.`,
        );
        return exitCode.belowAccuracy;
      }
      return options.strict && result.skipped.length > 0 ? exitCode.filesSkipped : undefined;
    }),
  );
}

function evaluateText({ metrics, skipped }: Awaited<ReturnType<typeof evaluateJob>>): string {
  const [low, high] = metrics.interval;
  const rows = metrics.classes.map(({ name, precision, recall, f1, support }) => [
    name,
    precision === null ? '–' : percent(precision),
    recall === null ? '–' : percent(recall),
    f1 === null ? '–' : percent(f1),
    support,
  ]);
  const lines = [
    `Accuracy ${percent(metrics.accuracy)} (95 % interval ${percent(low)} to ${percent(high)}) on ${plural(metrics.samples, 'image')}`,
    `Log-loss ${metrics.logLoss.toFixed(4)}, calibration error (ECE) ${percent(metrics.calibrationError)}`,
    '',
    table(['class', 'precision', 'recall', 'F1', 'images'], rows),
    ...skipped.map(({ path, reason }) => `skipped ${path}: ${reason}`),
  ];
  return lines.join('\n');
}
