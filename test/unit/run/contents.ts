import { evaluateClassification } from '#core/evaluate';
import { headPreset, resolveHead } from '#core/head';
import type { RunContents } from '#core/run';

export interface ContentsOptions {
  readonly classes?: readonly string[];
  readonly names?: readonly string[];
  readonly untrained?: boolean;
  readonly warnings?: readonly string[];
  readonly skipped?: RunContents['skipped'];
}

/** What a run of three samples and two epochs would write, without a model. */
export function contentsOfRun(options: ContentsOptions = {}): RunContents {
  const { classes = ['green', 'red'], names = ['green/1.png', 'red/1.png', 'red/2.png'] } = options;
  const head = resolveHead(headPreset('linear'), { featureShape: [4], classes: 2 });
  const evaluation = evaluateClassification({
    probabilities: Float32Array.of(0.9, 0.1, 0.2, 0.8, 0.75, 0.25),
    labels: Int32Array.of(0, 1, 1),
    names,
    classes,
  });
  const { accuracy, interval, logLoss } = evaluation.metrics;
  return {
    record: {
      created: '2026-11-23T12:00:00.000Z',
      software: { headstart: '0.1.0', node: 'v20.19.0', platform: 'linux-x64' },
      arguments: { epochs: 2, head: 'linear', augment: { flip: true } },
      seed: 7,
      classes,
      backbone: {
        name: options.untrained ? 'vgg16-untrained' : 'vgg16',
        sha256: 'b'.repeat(64),
        untrained: options.untrained ?? false,
        preprocessing: 'caffe',
        featureShape: [4],
      },
      head,
      data: {
        root: '/data/lights',
        trainSamples: 12,
        validationSamples: 3,
        validationFrom: 'split',
        skippedFiles: options.skipped?.length ?? 0,
        warnings: options.warnings ?? [],
      },
      device: { extraction: 'CPU, 2 threads', training: 'CPU, AVX2, 2 threads' },
      result: {
        epochs: 2,
        bestEpoch: 2,
        keptEpoch: 2,
        stoppedBy: 'epochs',
        monitor: 'val_accuracy',
        train: { loss: 0.25, accuracy: 1 },
        validation: { loss: logLoss, accuracy, interval },
      },
      timing: { featuresSeconds: 1.5, trainSeconds: 0.5, secondsPerEpoch: 0.25, totalSeconds: 2.5 },
    },
    weights: {
      'dense/kernel': { shape: [4, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8) },
      'dense/bias': { shape: [2], data: Float32Array.of(0.5, -0.5) },
    },
    history: [
      {
        epoch: 1,
        loss: 0.7,
        accuracy: 0.5,
        valLoss: 0.8,
        valAccuracy: 1 / 3,
        learningRate: 1e-3,
        seconds: 0.3,
      },
      {
        epoch: 2,
        loss: 0.25,
        accuracy: 1,
        valLoss: 0.6,
        valAccuracy: 2 / 3,
        learningRate: 1e-3,
        seconds: 0.2,
      },
    ],
    evaluation,
    skipped: options.skipped ?? [],
  };
}
