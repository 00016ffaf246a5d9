import type { EvaluateResult } from '@headstart/core';
import { dataOptions, evaluateOptions, plural } from '@headstart/core/options';
import type { Command } from 'commander';
import { exitCode } from '../exit-codes.ts';
import {
  accuracyFloorOption,
  addCommonOptions,
  addDeviceOptions,
  addOptions,
  type CommonOptions,
  type DeviceOptions,
  type FlagValues,
  strictOption,
} from '../options.ts';
import { noticesTo, type Runner } from '../runner.ts';
import { percent, table } from '../table.ts';

const endOptions = { ...strictOption(), ...accuracyFloorOption('accuracy') };

interface EvaluateOptions
  extends CommonOptions,
    DeviceOptions,
    FlagValues<typeof evaluateOptions & typeof endOptions & typeof dataOptions> {}

export function addEvaluateCommand(program: Command, runner: Runner): void {
  const command = program
    .command('evaluate')
    .description('measure a run on labelled images or on a feature file')
    .argument('<run>', 'run folder')
    .argument('<data>', 'labelled folder, table, or feature file (safetensors)');
  addOptions(command, { ...evaluateOptions, ...endOptions, ...dataOptions });
  addDeviceOptions(command);
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, run: string, data: string, options: EvaluateOptions) => {
      const { evaluate } = await import('@headstart/core');
      const result = await evaluate({
        ...options,
        run,
        data,
        signal,
        onProgress: ui.onProgress,
        onNotice: noticesTo(ui),
      });
      ui.result(result, evaluateText(result));
      if (options.report !== undefined) ui.info(`Report: ${options.report}`);
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

function evaluateText(result: EvaluateResult): string {
  const { metrics, mistakes, selective, skipped } = result;
  const { uncalibrated } = metrics;
  const before = (value: string) => (metrics.temperature === 1 ? '' : ` (uncalibrated ${value})`);
  const [low, high] = metrics.interval;
  const topK = metrics.topK.filter(({ k }) => k > 1);
  const figures: [string, string][] = [
    [
      'accuracy',
      `${percent(metrics.accuracy)}, 95 % interval ${percent(low)} to ${percent(high)} (Wilson), ${plural(metrics.samples, 'image')}`,
    ],
    ...topK.map(({ k, accuracy }): [string, string] => [`top-${k} accuracy`, percent(accuracy)]),
    ['ROC AUC', metrics.rocAuc === null ? '–' : metrics.rocAuc.toFixed(4)],
    ['log-loss', metrics.logLoss.toFixed(4) + before(uncalibrated.logLoss.toFixed(4))],
    ['Brier score', metrics.brierScore.toFixed(4) + before(uncalibrated.brierScore.toFixed(4))],
    [
      'calibration error',
      percent(metrics.calibrationError) + before(percent(uncalibrated.calibrationError)),
    ],
    ...(selective ? selectiveFigures(selective) : []),
  ];
  return [
    table(['', ''], figures).trimStart(),
    '',
    classTable(metrics),
    ...confusionLines(result),
    ...mistakeLines(mistakes),
    ...(skipped.length > 0 ? [''] : []),
    ...skipped.map(({ path, reason }) => `skipped ${path}: ${reason}`),
  ].join('\n');
}

function selectiveFigures(selective: NonNullable<EvaluateResult['selective']>): [string, string][] {
  const { threshold, answered, coverage, error, interval, areaUnderCurve } = selective;
  const area: [string, string] = ['mean error over coverages', percent(areaUnderCurve, 2)];
  if (threshold === null) return [['answered', 'no threshold keeps the error so low'], area];
  const how = `predict --threshold ${threshold} answers`;
  if (error === null || interval === null) return [['answered', `none: ${how} no image`], area];
  const [low, high] = interval;
  return [
    ['answered', `${percent(coverage)}: ${how} ${plural(answered, 'image')}`],
    [
      'error of the answers',
      `${percent(error)}, 95 % interval ${percent(low)} to ${percent(high)} (Wilson)`,
    ],
    area,
  ];
}

function classTable({ classes, macro, weighted, samples }: EvaluateResult['metrics']): string {
  const share = (value: number | null) => (value === null ? '–' : percent(value));
  const area = (value: number | null) => (value === null ? '–' : value.toFixed(4));
  const shown = mostListed < classes.length ? hardest(classes) : classes;
  const rows = [
    ...shown.map((c) => [
      c.name,
      share(c.precision),
      share(c.recall),
      share(c.f1),
      area(c.rocAuc),
      c.support,
    ]),
    ...[['(mean of classes)', macro] as const, ['(mean by support)', weighted] as const].map(
      ([name, mean]) => [
        name,
        share(mean.precision),
        share(mean.recall),
        share(mean.f1),
        '',
        samples,
      ],
    ),
  ];
  const left = classes.length - shown.length;
  const note = `\n(the ${shown.length} classes with the lowest F1; --json has ${left} more)`;
  const text = table(['class', 'precision', 'recall', 'F1', 'ROC AUC', 'images'], rows);
  return left > 0 ? `${text}${note}` : text;
}

/** Of how many classes the terminal shows each. */
const mostListed = 100;

type ClassFigures = EvaluateResult['metrics']['classes'];

function hardest(classes: ClassFigures): ClassFigures {
  return [...classes].sort((a, b) => (a.f1 ?? 2) - (b.f1 ?? 2)).slice(0, mostListed);
}

/** Beyond this number of classes, a matrix is wider than a screen: see --json. */
const mostClasses = 12;

function confusionLines({ metrics, confusion }: EvaluateResult): string[] {
  const names = metrics.classes.map(({ name }) => name);
  if (names.length > mostClasses) return [];
  const rows = names.map((name, label) => [name, ...(confusion.counts[label] ?? [])]);
  return ['', table(['true \\ called', ...names], rows)];
}

function mistakeLines(mistakes: EvaluateResult['mistakes']): string[] {
  if (mistakes.length === 0) return [];
  const rows = mistakes.map((m) => [
    m.file,
    m.label,
    m.predicted,
    percent(m.probability),
    percent(m.labelProbability),
  ]);
  const header = ['surest mistakes', 'is', 'called', 'probability', 'of the true class'];
  return ['', table(header, rows)];
}
