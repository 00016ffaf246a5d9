import { software } from '../base/version.ts';
import type { Evaluation } from '../evaluate/index.ts';
import type { TrainedHead } from '../head/index.ts';
import { type RunRecord, recordedOptions } from '../run/index.ts';
import type { TrainOptions, TrainSummary } from './train-options.ts';
import type { TrainingData } from './training-data.ts';

/** The contents of `run.json`, but for the files of the run folder. */
export type RunDescription = Omit<RunRecord, 'format' | 'version' | 'files'>;

/** Describes a finished training. */
export function runRecord(
  options: TrainOptions,
  data: TrainingData,
  trained: TrainedHead,
  evaluation: Evaluation,
  seconds: number,
): RunDescription {
  const { maker } = data;
  const backbone = maker?.backbone;
  const { loss, accuracy } = trained.validation;
  const { interval, temperature } = evaluation.metrics;
  return {
    created: new Date().toISOString(),
    software,
    options: recordedOptions({
      ...options,
      ...data.extractor?.images,
      head: options.head ?? trained.head.name,
    }),
    arguments: options.recordedArguments ?? plainArguments(options),
    seed: options.seed ?? 0,
    classes: data.classes,
    image: maker && {
      height: maker.backbone.input.height,
      width: maker.backbone.input.width,
      resize: maker.resize,
      fit: maker.fit,
    },
    backbone: backbone && {
      name: backbone.name,
      sha256: backbone.sha256,
      untrained: backbone.untrained,
      preprocessing: backbone.preprocessing,
      layer: backbone.layer,
      cutLayer: backbone.cutLayer,
      precision: backbone.precision,
      source: backbone.source,
      featureShape: backbone.featureShape,
    },
    head: trained.head,
    calibration: options.calibrate === false ? undefined : { temperature },
    data: {
      root: data.source,
      trainSamples: data.train.samples.length,
      validationSamples: data.validation.samples.length,
      validationFrom: data.validationFrom,
      skippedFiles: data.skipped.length,
      warnings: data.warnings,
      corrections: data.corrections,
      split: data.split,
      testSamples: data.testSamples,
    },
    device: { extraction: data.extractor?.backbone.device, training: trained.backend.description },
    result: {
      epochs: trained.history.length,
      bestEpoch: trained.bestEpoch,
      keptEpoch: trained.keptEpoch,
      stoppedBy: trained.stoppedBy,
      monitor: options.earlyStopping?.monitor ?? 'val_accuracy',
      train: trained.training,
      validation: { loss, accuracy, interval },
    },
    timing: {
      featuresSeconds: data.seconds,
      trainSeconds: trained.timing.trainSeconds,
      secondsPerEpoch: trained.timing.secondsPerEpoch,
      totalSeconds: seconds,
    },
  };
}

/** The options that are values: not the callbacks and the signal. */
function plainArguments(options: TrainOptions): Record<string, unknown> {
  const plain = ([name, value]: [string, unknown]) =>
    typeof value !== 'function' && name !== 'signal' && value !== undefined;
  return Object.fromEntries(Object.entries(options).filter(plain));
}

/** The short form of a finished training. */
export function summarize(
  folder: string,
  record: RunDescription,
  data: TrainingData,
  { metrics }: Evaluation,
): TrainSummary {
  const { result, timing, device, backbone } = record;
  return {
    run: folder,
    device: { features: device.extraction ?? null, training: device.training },
    backbone: backbone?.name ?? null,
    untrained: backbone?.untrained ?? false,
    classes: record.classes,
    epochs: result.epochs,
    bestEpoch: result.bestEpoch,
    stoppedBy: result.stoppedBy,
    train: result.train,
    validation: result.validation,
    calibration: record.calibration
      ? {
          temperature: record.calibration.temperature,
          error: metrics.calibrationError,
          errorBefore: metrics.uncalibrated.calibrationError,
        }
      : null,
    features: data.counts,
    timing: {
      featuresSeconds: timing.featuresSeconds,
      trainSeconds: timing.trainSeconds,
      perEpochSeconds: timing.secondsPerEpoch,
    },
    skipped: data.skipped.map(({ path, reason }) => ({ file: path, reason })),
  };
}
