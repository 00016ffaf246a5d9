import type { AppliedCorrections, Dataset, DatasetSplit } from '../dataset/index.ts';
import type { ResolvedHead, Score, TrainedHead } from '../head/index.ts';
import type { Fit, ResizeMethod } from '../image/index.ts';
import type { RecordedOptions } from './recorded-options.ts';

/** What `run.json` holds: enough to use the run, to know where it is from, and to repeat it. */
export interface RunRecord {
  readonly format: 'headstart-run';
  readonly version: 1;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly software: {
    readonly headstart: string;
    readonly node: string;
    /** `linux-x64` */
    readonly platform: string;
  };
  /** The options that the run was trained with; older runs have `arguments` alone. */
  readonly options?: RecordedOptions | undefined;
  /** The words that the run was started with, for people. */
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** Class names, by label. */
  readonly classes: readonly string[];
  /** How images become the model's input; absent where the run was trained on feature files alone. */
  readonly image?: RunImage | undefined;
  /** Absent where the run was trained on feature files of an unknown backbone. */
  readonly backbone?: RunBackbone | undefined;
  readonly head: ResolvedHead;
  /** Absent where the run was not calibrated: then probabilities are the head's own softmax. */
  readonly calibration?: RunCalibration | undefined;
  readonly data: RunData;
  /** Devices in words for people. */
  readonly device: {
    readonly extraction?: string | undefined;
    readonly training: string;
  };
  readonly result: RunResult;
  readonly timing: RunTiming;
  /** Every other file of the folder. */
  readonly files: Readonly<Record<string, RunFile>>;
}

export interface RunImage {
  readonly height: number;
  readonly width: number;
  readonly resize: ResizeMethod;
  /** Older runs do not record it, and stretch. */
  readonly fit?: Fit | undefined;
}

export interface RunBackbone {
  readonly name: string;
  /** Of the backbone's file. */
  readonly sha256: string;
  /** Its weights are random: features are of little use. */
  readonly untrained: boolean;
  readonly preprocessing: string;
  readonly layer?: string | undefined;
  /** The dense layer of a classifier that was cut off. */
  readonly cutLayer?: string | undefined;
  /** `float32` or `int8`; older runs do not record it, and are in float32. */
  readonly precision?: string | undefined;
  readonly source?: string | undefined;
  readonly featureShape: readonly number[];
}

/** How sure the run's probabilities are; `model.onnx` has the temperature inside. */
export interface RunCalibration {
  /** Logits are divided by it before the softmax; it was fitted on the validation set. */
  readonly temperature: number;
}

export interface RunData {
  /** The folder or file that the data came from. */
  readonly root: string;
  readonly trainSamples: number;
  readonly validationSamples: number;
  readonly validationFrom: Dataset['validationFrom'] | 'features';
  readonly skippedFiles: number;
  readonly warnings: readonly string[];
  /** The file of corrections, by its SHA-256, where one was given. */
  readonly corrections?: AppliedCorrections | undefined;
  /** How the folder was split, where it has no folders for validation and test. */
  readonly split?: DatasetSplit | undefined;
  /** Images kept for testing, which training did not see; older runs do not record it. */
  readonly testSamples?: number | undefined;
}

export interface RunResult {
  readonly epochs: number;
  readonly bestEpoch: number;
  readonly keptEpoch: number;
  readonly stoppedBy: TrainedHead['stoppedBy'];
  /** What decided the best epoch. */
  readonly monitor: string;
  readonly train: Score;
  /** `interval`: the accuracy's 95 % interval. */
  readonly validation: Score & { readonly interval: readonly [number, number] };
}

export interface RunTiming {
  readonly featuresSeconds: number;
  readonly trainSeconds: number;
  readonly secondsPerEpoch: number;
  readonly totalSeconds: number;
}

export interface RunFile {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * The files of a run folder; `folds.json`, where there is one, comes after `run.json`, and so do
 * corrections.
 */
export const runFiles = {
  labels: 'labels.txt',
  weights: 'head.safetensors',
  model: 'model.onnx',
  history: 'history.csv',
  metrics: 'metrics.json',
  confusion: 'confusion.csv',
  predictions: 'predictions.csv',
  skipped: 'skipped.csv',
  curvesPlot: 'curves.svg',
  confusionPlot: 'confusion.svg',
  reliabilityPlot: 'reliability.svg',
  report: 'report.html',
  record: 'run.json',
  folds: 'folds.json',
  corrections: 'corrections.csv',
} as const;

/** Of runs by earlier versions: each plot was also written as a picture. */
export const earlierRunFiles: readonly string[] = [
  'curves.png',
  'confusion.png',
  'reliability.png',
];
