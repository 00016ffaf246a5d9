import { integer, onOff, orFalse, path } from './kinds.ts';
import { option } from './option.ts';

/** Feature files in place of a folder of images. */
export const featureFileOption = {
  /** A feature file, in place of a folder. */
  features: option(path('file'), {
    help: 'train on a feature file (safetensors) instead of a folder',
  }),
} as const;

export const validationFeaturesOption = {
  /** The feature file that validates. */
  validationFeatures: option(path('file'), {
    flag: 'valFeatures',
    help: 'the feature file that validates',
  }),
} as const;

/** What training leaves behind, and what it starts from. */
export const runOptions = {
  /** Weights to start from: safetensors with Keras names. */
  init: option(path('file'), {
    help: 'start from these weights (safetensors with Keras names)',
  }),
  /**
   * Folds of the cross-validation that follows; `false` for none. Default: 5 where they cost no more
   * than a few seconds.
   */
  folds: option(orFalse(integer({ min: 2 })), {
    placeholder: 'k',
    help: 'cross-validate in k folds at the end (default: 5, where it takes no more than seconds)',
    helpOff: 'do not cross-validate',
  }),
  /** How often the cross-validation partitions the images; default 1. */
  seeds: option(integer({ min: 1 }), { implied: 1, help: 'partitions to cross-validate over' }),
  /**
   * Fit a temperature on the validation set, so that probabilities are as large as the accuracy.
   * Labels stay the same. Default true.
   */
  calibrate: option(onOff(), {
    implied: true,
    helpOff: 'leave probabilities as the head gives them',
  }),
  /** The run folder; default `runs/<name of the data>`. */
  out: option(path('folder'), { help: 'the run folder (default: runs/<name of the data>)' }),
  /** Replace the finished run in `out` when the new one is complete. Default false: fail. */
  overwrite: option(onOff(), {
    help: 'replace the finished run in --out when the new one is complete',
  }),
  /** Fail where there is no interrupted run to go on with. Default false. */
  resume: option(onOff(), {
    help: 'go on with the interrupted run in --out, or fail if there is none',
  }),
} as const;

export const demoOptions = {
  out: option(path('folder'), {
    default: 'headstart-demo',
    help: 'where the pictures and the run go',
  }),
  backbone: option(path('name|file'), {
    help: 'vgg16, vgg16-untrained or FILE.onnx (default: vgg16 where it was pulled)',
  }),
} as const;
