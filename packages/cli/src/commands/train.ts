import type { TrainFolds, TrainOptions, TrainSummary } from '@headstart/core';
import {
  dataOptions,
  featureFileOption,
  onOff,
  option,
  plural,
  runOptions,
  splitOptions,
  validationFeaturesOption,
  validationStepsOption,
} from '@headstart/core/options';
import type { Command } from 'commander';
import { documentOf } from '../documents.ts';
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
import { duration } from '../progress.ts';
import { noticesTo, type Runner } from '../runner.ts';
import { percent } from '../table.ts';
import type { Ui } from '../ui.ts';
import { inFlags } from '../words.ts';
import { epochLine, exceptTraining } from './epoch-line.ts';
import { foldsLine } from './folds-text.ts';
import {
  backboneOfFiles,
  imageSettings,
  type TrainImageOptions,
  trainImageOptions,
} from './image-options.ts';
import {
  addHeadTrainingOptions,
  type HeadTrainingOptions,
  headTrainingSettings,
} from './training-options.ts';

const fileOptions = { ...featureFileOption, ...validationFeaturesOption } as const;

const scriptOption = {
  kerasScript: option(onOff(), { help: 'every choice as the original Keras script makes it' }),
};

const endOptions = {
  ...strictOption('where files were skipped, or are of the same bytes in two classes or parts'),
  ...accuracyFloorOption('validation accuracy'),
  ...scriptOption,
};

export interface TrainFlags
  extends CommonOptions,
    DeviceOptions,
    FlagValues<typeof fileOptions & typeof dataOptions & typeof splitOptions>,
    TrainImageOptions,
    HeadTrainingOptions,
    FlagValues<typeof validationStepsOption & typeof runOptions & typeof endOptions> {}

export function addTrainCommand(program: Command, runner: Runner): void {
  const command = program
    .command('train')
    .description('compute features where they are missing, then train a head on them')
    .argument(
      '[data]',
      'folder with one folder per class, or with train/ and validation/ folders; or a table',
    );
  addOptions(command, fileOptions);
  addOptions(command, { ...dataOptions, ...splitOptions, ...trainImageOptions });
  addHeadTrainingOptions(command);
  addOptions(command, { ...validationStepsOption, ...runOptions, ...endOptions });
  addDeviceOptions(command);
  addCommonOptions(command);
  command.action(
    runner(async ({ ui, signal }, data: string | undefined, options: TrainFlags) => {
      const { trainAndCrossValidate } = await import('@headstart/core');
      const scripted = options.kerasScript ? kerasScriptSettings(command, options.backbone) : {};
      const settings = { ...options, ...scripted };
      const say = noticesTo(ui);
      let sameBytes = false;
      const trained = await trainAndCrossValidate({
        ...coreOptions(settings),
        ...backboneOfFiles(command, data),
        data,
        recordedArguments: { data, ...settings },
        signal,
        onProgress: exceptTraining(ui.onProgress),
        onNotice: (notice) => {
          sameBytes ||= notice.code === 'SAME_BYTES';
          say(notice);
        },
        onEpoch: (record, epochs) =>
          ui.info(epochLine(record, epochs, { withRate: settings.lrSchedule !== 'constant' })),
      });
      const leftOut = trained.foldsLeftOut;
      const summary = { ...trained, foldsLeftOut: leftOut && inFlags(leftOut) };
      ui.result(documentOf(summary), trainText(summary));
      // The run is there, but what was interrupted after it is not.
      if (signal.aborted) return exitCode.interrupted;
      return trainExitCode(ui, summary, settings, sameBytes);
    }),
  );
}

type TrainResult = TrainSummary & TrainFolds;

/** The command line's words as options of training. */
function coreOptions(settings: TrainFlags): TrainOptions {
  return {
    ...settings,
    ...imageSettings(settings),
    ...headTrainingSettings(settings),
    validationFeatures: settings.valFeatures,
  };
}

/** What the original script does, wherever the user did not choose otherwise. */
function kerasScriptSettings(command: Command, backbone: string): Partial<TrainFlags> {
  const script: Partial<TrainFlags> = {
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
    `Training accuracy ${percent(train.accuracy)}, loss ${train.loss.toFixed(4)}; best epoch ${summary.bestEpoch} of ${summary.epochs}`,
    `Features: ${features.computed} computed, ${features.reused} from the cache, ${duration(timing.featuresSeconds)}; training ${duration(timing.trainSeconds)}`,
    ...(summary.folds ? [foldsLine(summary.folds)] : []),
    ...(skipped.length > 0 ? [`${plural(skipped.length, 'file')} skipped:`] : []),
    ...skipped.map(({ file, reason }) => `  ${file}: ${reason}`),
    `Run: ${summary.run}`,
  ];
  return lines.join('\n');
}

/** Errors on the images that the temperature was fitted on are not a before and an after. */
function calibrationText({ temperature }: NonNullable<TrainResult['calibration']>) {
  return `Probabilities calibrated: temperature ${temperature.toFixed(2)}, fitted on the validation images`;
}

function trainExitCode(
  ui: Ui,
  { validation, skipped }: TrainResult,
  options: TrainFlags,
  sameBytes: boolean,
) {
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
  if (strict && sameBytes) {
    ui.warn('error: images of the same bytes in two classes or parts, and --strict was given.');
    return exitCode.filesSkipped;
  }
  return exitCode.done;
}
