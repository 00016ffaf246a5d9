import {
  type TrainFolds,
  type TrainJobOptions,
  type TrainSummary,
  trainAndCrossValidate,
} from '@headstart/core';
import { type Command, Option } from 'commander';
import { exitCode } from '../exit-codes.ts';
import {
  addCommonOptions,
  addDeviceOptions,
  type CommonOptions,
  type DeviceOptions,
  numberBetween,
  optionWithDefault as opt,
  wholeNumber,
  wordOrCount,
} from '../options.ts';
import { duration } from '../progress.ts';
import { noticesTo, type Runner } from '../runner.ts';
import { percent, plural } from '../table.ts';
import type { Ui } from '../ui.ts';
import {
  addDataOptions,
  addSplitOptions,
  type DataOptions,
  type SplitOptions,
} from './data-options.ts';
import { epochLine, exceptTraining } from './epoch-line.ts';
import { foldsLine } from './folds-text.ts';
import { addImageOptions, type ImageOptions, imageSettings } from './image-options.ts';
import {
  addHeadTrainingOptions,
  type HeadTrainingOptions,
  headTrainingSettings,
} from './training-options.ts';

export interface TrainOptions
  extends CommonOptions,
    DeviceOptions,
    DataOptions,
    SplitOptions,
    ImageOptions,
    HeadTrainingOptions {
  readonly features?: string;
  readonly valFeatures?: string;
  readonly validationSteps: 'all' | number;
  readonly calibrate: boolean;
  readonly init?: string;
  readonly folds?: number | false;
  readonly seeds?: number;
  readonly resume?: boolean;
  readonly out?: string;
  readonly strict?: boolean;
  readonly assertAccuracyAtLeast?: number;
  readonly kerasScript?: boolean;
}

export function addTrainCommand(program: Command, runner: Runner): void {
  const command = program
    .command('train')
    .description('compute features where they are missing, then train a head on them')
    .argument('[data]', 'folder with one folder a class, or with train/ and validation/ folders')
    .option('--features <file>', 'train on a feature file (safetensors) instead of a folder')
    .option('--val-features <file>', 'the feature file that validates');
  addDataOptions(command);
  addSplitOptions(command);
  addImageOptions(command, { exact: true });
  addHeadTrainingOptions(command);
  addRunOptions(command);
  addDeviceOptions(command);
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, data: string | undefined, options: TrainOptions) => {
      const scripted = options.kerasScript ? kerasScriptSettings(command, options.backbone) : {};
      const settings = { ...options, ...scripted };
      const summary = await trainAndCrossValidate({
        ...trainJobOptions(settings),
        data,
        recordedArguments: { data, ...settings },
        signal,
        onProgress: exceptTraining(ui.onProgress),
        onNotice: noticesTo(ui),
        onEpoch: (record, epochs) =>
          ui.info(epochLine(record, epochs, { withRate: settings.lrSchedule !== 'constant' })),
      });
      ui.result(summary, trainText(summary));
      // The run is there, but what was interrupted after it is not.
      if (signal.aborted) return exitCode.interrupted;
      return trainExitCode(ui, summary, settings);
    }),
  );
}

type TrainResult = TrainSummary & TrainFolds;

/** The command line's words as options of training. */
export function trainJobOptions(settings: TrainOptions): TrainJobOptions {
  return {
    ...settings,
    ...imageSettings(settings),
    ...headTrainingSettings(settings),
    validationFeatures: settings.valFeatures,
  };
}

function addRunOptions(command: Command): void {
  command
    .addOption(
      opt('--validation-steps <n>', 'all, or validation batches', wordOrCount('all', 1), 'all'),
    )
    .option('--init <file>', 'start from these weights (safetensors with Keras names)')
    .addOption(
      new Option(
        '--folds <k>',
        'cross-validate in k folds at the end (default: 5, where it takes no more than seconds)',
      ).argParser(wholeNumber(2)),
    )
    .option('--no-folds', 'do not cross-validate')
    .addOption(
      new Option('--seeds <n>', 'partitions to cross-validate over (default: 1)').argParser(
        wholeNumber(1),
      ),
    )
    .option('--no-calibrate', 'leave probabilities as the head gives them')
    .option('--out <folder>', 'the run folder (default: runs/<name of the data>)')
    .option('--resume', 'go on with the interrupted run in --out, or fail if there is none')
    .option('--strict', 'exit with code 3 where files were skipped')
    .addOption(
      new Option(
        '--assert-accuracy-at-least <x>',
        'exit with code 4 below this validation accuracy',
      ).argParser(numberBetween(0, 1)),
    )
    .option('--keras-script', 'every choice as the original Keras script makes it');
}

/** What the original script does, wherever the user did not say otherwise. */
function kerasScriptSettings(command: Command, backbone: string): Partial<TrainOptions> {
  const script: Partial<TrainOptions> = {
    // Another backbone has the preprocessing that it was trained with.
    ...(backbone.startsWith('vgg16') ? { preprocess: 'rescale' as const } : {}),
    resize: 'nearest',
    stepsPerEpoch: 10,
    validationSteps: 1,
    restoreBest: false,
    calibrate: false,
    views: 'exact',
  };
  const isDefault = ([name]: [string, unknown]) =>
    command.getOptionValueSource(name) === 'default' ||
    command.getOptionValueSource(name) === undefined;
  return Object.fromEntries(Object.entries(script).filter(isDefault));
}

function trainText(summary: TrainResult): string {
  const { train, validation, calibration, timing, skipped, features } = summary;
  const [low, high] = validation.interval;
  const lines = [
    `Validation accuracy ${percent(validation.accuracy)} (95 % interval ${percent(low)} to ${percent(high)}), loss ${validation.loss.toFixed(4)}`,
    ...(calibration ? [calibrationText(calibration)] : []),
    `Training accuracy ${percent(train.accuracy)}, loss ${train.loss.toFixed(4)}; best epoch ${summary.best_epoch} of ${summary.epochs}`,
    `Features: ${features.computed} computed, ${features.reused} from the cache, ${duration(timing.features_s)}; training ${duration(timing.train_s)}`,
    ...(summary.folds ? [foldsLine(summary.folds)] : []),
    ...(skipped.length > 0 ? [`${plural(skipped.length, 'file')} skipped:`] : []),
    ...skipped.map(({ file, reason }) => `  ${file}: ${reason}`),
    `Run: ${summary.run}`,
  ];
  return lines.join('\n');
}

function calibrationText({ temperature, ...errors }: NonNullable<TrainResult['calibration']>) {
  const [before, after] = [percent(errors.error_before), percent(errors.error)];
  return `Probabilities calibrated: temperature ${temperature.toFixed(2)}, calibration error ${after} (before: ${before})`;
}

function trainExitCode(ui: Ui, { validation, skipped }: TrainResult, options: TrainOptions) {
  const { assertAccuracyAtLeast: floor, strict } = options;
  if (floor !== undefined && validation.accuracy < floor) {
    ui.warn(
      `error: validation accuracy ${percent(validation.accuracy, 2)} is below --assert-accuracy-at-least ${floor}.`,
    );
    return exitCode.belowAccuracy;
  }
  if (strict && skipped.length > 0) {
    ui.warn(`error: ${plural(skipped.length, 'file')} skipped, and --strict was given.`);
    return exitCode.filesSkipped;
  }
  return exitCode.done;
}
