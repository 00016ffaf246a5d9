import { choice, integer, number, onOff, path, wordOr } from './kinds.ts';
import { option } from './option.ts';

/** What a head is, and how long it is trained. */
export const headOptions = {
  /** `conv`, `linear`, `mlp`, or a JSON file that describes the layers; default: `conv`, for vector features `mlp`. */
  head: option(path('name|file'), {
    help: 'conv (the original head), linear, mlp or FILE.json (default: conv, for vector features mlp)',
  }),
  /** Replaces the rate of every dropout layer of the head. */
  dropout: option(number({ min: 0, below: 1 }), {
    placeholder: 'rate',
    help: 'rate of the head’s dropout layers',
  }),
  /** Default 50. */
  epochs: option(integer({ min: 1 }), { default: 50, help: 'passes at most' }),
  /** Batches an epoch; default `auto`, every sample once (the script: 10). */
  stepsPerEpoch: option(wordOr('auto', integer({ min: 1 })), {
    default: 'auto',
    help: 'auto, or batches an epoch',
  }),
  /** Default 32. */
  batchSize: option(integer({ min: 1, max: 65_536 }), { default: 32, help: 'images per step' }),
  /** Default true. */
  shuffle: option(onOff(), { implied: true, helpOff: 'keep the order of the files' }),
} as const;

/** What decides each step of training. */
export const optimizerOptions = {
  /** Default 1e-3. */
  learningRate: option(number({ above: 0 }), {
    default: 1e-3,
    help: 'step size of the optimizer',
  }),
  /** Default `adam`; all in Keras's form, with Keras's constants. */
  optimizer: option(choice(['adam', 'adamw', 'sgd', 'rmsprop']), {
    default: 'adam',
    help: 'as Keras defines it',
  }),
  /** Of sgd and rmsprop; default 0. */
  momentum: option(number({ min: 0, below: 1 }), { implied: 0, help: 'of sgd and rmsprop' }),
  /** Of sgd with momentum; default false. */
  nesterov: option(onOff(), { implied: false, help: 'Nesterov’s form of sgd with momentum' }),
  /** Decoupled: every weight shrinks by rate * weightDecay a step. Default 0, for adamw 0.004. */
  weightDecay: option(number({ min: 0 }), { help: 'decoupled (default: 0, for adamw 0.004)' }),
  /** The loss gets l2 * the sum of squares of all kernels. Default 0. */
  l2: option(number({ min: 0 }), { default: 0, help: 'penalty on the squares of the kernels' }),
  /** The share of each target that is spread evenly over the classes. Default 0. */
  labelSmoothing: option(number({ min: 0, below: 1 }), {
    default: 0,
    help: 'share of a target spread evenly',
  }),
  /** `balanced` weighs class k by n / (K * count_k). Default `none`. */
  classWeights: option(choice(['none', 'balanced']), {
    default: 'none',
    placeholder: 'how',
    help: 'weight classes by how rare they are',
  }),
} as const;

/** How the learning rate goes on from its first value. */
export const scheduleOptions = {
  type: option(choice(['constant', 'cosine', 'plateau']), {
    default: 'constant',
    flag: 'lrSchedule',
    help: 'how the learning rate changes',
  }),
  /** Of cosine; default 0. */
  warmupEpochs: option(number({ min: 0 }), { implied: 0, help: 'of cosine: linear from 0' }),
  /** Of plateau, below 1; default 0.1. */
  factor: option(number({ min: 0, below: 1 }), {
    implied: 0.1,
    flag: 'lrFactor',
    help: 'of plateau: times this',
  }),
  /** Of plateau: epochs without better before the rate is reduced. Default 2. */
  patience: option(integer(), {
    implied: 2,
    flag: 'lrPatience',
    help: 'of plateau: epochs without better',
  }),
} as const;

/** What of the learning rate only a program can set. */
export const scheduleDetails = {
  /** Of cosine: the last rate, as a fraction of the first. */
  alpha: option(number({ min: 0, below: 1 }), { implied: 0 }),
  /** Of plateau: what counts as better. */
  minDelta: option(number({ min: 0 }), { implied: 1e-4 }),
  /** Of plateau: epochs after a reduction in which nothing is counted. */
  cooldown: option(integer(), { implied: 0 }),
  /** Of plateau: the least rate. */
  minRate: option(number({ min: 0 }), { implied: 0 }),
} as const;

export const computeOption = {
  /**
   * What products are computed in. Default `fp32`; `tf32` and `bf16` round their operands, on a GPU
   * with tensor cores; `bf16` also on processors that can.
   */
  compute: option(choice(['fp32', 'tf32', 'bf16']), {
    default: 'fp32',
    placeholder: 'how',
    help: 'arithmetic of the head’s products: tf32 (GPU) and bf16 are faster',
  }),
} as const;

/** When training ends. */
export const stoppingOptions = {
  /** Default `val_accuracy`. */
  monitor: option(choice(['val_accuracy', 'val_loss', 'accuracy', 'loss']), {
    default: 'val_accuracy',
    placeholder: 'metric',
    help: 'metric for early stopping and for the weights that are kept',
  }),
  /** A smaller change than this is not an improvement; the sign is ignored, as in Keras. */
  minDelta: option(number(), { default: 1e-4, help: 'what counts as better' }),
  /** Epochs without improvement after which training stops. */
  patience: option(integer(), {
    default: 3,
    help: 'epochs without improvement before training stops',
  }),
  /** False never stops, but the best epoch is still found by what is watched. */
  enabled: option(onOff(), {
    implied: true,
    flag: 'earlyStopping',
    helpOff: 'train all epochs',
  }),
} as const;

export const restoreBestOption = {
  /** Keep the best epoch's weights, whatever ended the run; default true (the script: false). */
  restoreBest: option(onOff(), {
    default: true,
    help: 'keep the weights of the best epoch',
    helpOff: 'keep the weights of the last epoch',
  }),
} as const;

export const validationStepsOption = {
  /** Batches that validate an epoch; default `all` (the script: 1). */
  validationSteps: option(wordOr('all', integer({ min: 1 })), {
    default: 'all',
    help: 'all, or validation batches',
  }),
} as const;

/** The views that the rows of a training set are; on the command line see images.ts. */
export const rowViewsOption = {
  views: option(wordOr(['none', 'exact'], integer({ min: 1, max: 1_000_000 })), {
    implied: 'none',
  }),
} as const;
