import { createHash } from 'node:crypto';
import { type BackendName, backends, type Compute } from '@headstart/native';
import { HeadstartError } from '../base/errors.ts';
import type { FeatureSet } from '../features/index.ts';
import { type Fingerprint, fingerprintOf } from './checkpoint.ts';
import type { HeadVariation, TrainHeadsOptions, TrainingOptions } from './options.ts';
import { checkFeatureShape } from './predict.ts';
import { chosenSamples, labelsOf, plainRows } from './samples.ts';
import { planViews, type ScheduleOptions } from './schedule.ts';
import { type TrainingSettings, trainingSchedule, trainingSettings } from './settings.ts';
import { defaultHead, type HeadSpec, type ResolvedHead } from './spec.ts';
import { resolveHead } from './spec-resolve.ts';
import { checkHeadWeights, type HeadWeights } from './weights.ts';

/** One head's part of a run. The schedule counts the samples that it sees, from 0. */
export interface HeadPlan {
  readonly settings: TrainingSettings;
  readonly schedule: ScheduleOptions;
  /** Which samples of the set it sees, and the class of each. */
  readonly trainSamples: Int32Array;
  readonly trainLabels: Int32Array;
  readonly validationRows: Int32Array;
  readonly validationLabels: Int32Array;
  /** Empty where none were named. */
  readonly testRows: Int32Array;
  readonly testLabels: Int32Array;
}

/** A training run before any memory is taken: everything checked, nothing loaded. */
export interface TrainingPlan {
  readonly head: ResolvedHead;
  readonly heads: readonly HeadPlan[];
  /** Of all heads. */
  readonly epochs: number;
  readonly compute: Compute;
  /** Products are in bfloat16, and the features go straight into one. */
  readonly readsBfloat16: boolean;
  readonly fingerprint: Fingerprint;
}

/** @throws HeadstartError `USAGE`, `HEAD_SPEC_INVALID`, `WEIGHTS_INVALID`, `FEATURE_FILE_INVALID` */
export function planTraining(options: TrainHeadsOptions): TrainingPlan {
  const { train, validation, classes, init, heads, compute = 'fp32' } = options;
  const settings = trainingSettings(options);
  if (classes.length < 2) {
    throw new HeadstartError(
      'USAGE',
      `There must be at least two classes to tell apart, not ${classes.length}.`,
    );
  }
  checkCompute(compute, options.backend ?? 'cpu');
  if (heads.length === 0) {
    throw new HeadstartError('USAGE', 'There must be at least one head to train.');
  }
  const spec = options.head ?? defaultHead(train.shape);
  const head = resolveHead(spec, {
    featureShape: train.shape,
    classes: classes.length,
    dropout: settings.dropout,
  });
  checkFeatureShape(validation, head);
  if (init) checkHeadWeights(init, head.parameters, 'the initial head');
  const first = head.layers[0]?.type;
  const multiplies = first === 'conv2d' || first === 'dense' || first === 'flatten';
  return {
    head,
    heads: heads.map((variation) => headPlan(options, spec, variation)),
    epochs: settings.epochs,
    compute,
    readsBfloat16: compute === 'bf16' && multiplies,
    fingerprint: fingerprint(options, settings, head),
  };
}

/**
 * Checks what can be checked of training options before there are features.
 *
 * @throws HeadstartError `USAGE`
 */
export function checkTrainingOptions(
  options: TrainingOptions & Pick<TrainHeadsOptions, 'compute' | 'backend'>,
): void {
  trainingSettings(options);
  checkCompute(options.compute ?? 'fp32', options.backend ?? 'cpu');
}

function checkCompute(compute: Compute, name: BackendName): void {
  const backend = backends().find((one) => one.name === name);
  if (compute === 'fp32' || !backend?.available || backend.compute.includes(compute)) return;
  const gpu = 'a GPU of compute capability 8.0 or newer';
  const needs = compute === 'tf32' ? gpu : `${gpu}, or a processor with AVX512_BF16`;
  throw new HeadstartError(
    'USAGE',
    `Heads cannot be trained in ${compute} on ${backend.description}: that needs ${needs}. Use fp32.`,
  );
}

function headPlan(options: TrainHeadsOptions, spec: HeadSpec, variation: HeadVariation): HeadPlan {
  const { train, validation, classes } = options;
  const own = { ...options, ...defined(variation) };
  const count = train.samples.length;
  if (own.dropout !== undefined) {
    const featureShape = train.shape;
    resolveHead(spec, { featureShape, classes: classes.length, dropout: own.dropout });
  }
  const labels = labelsOf(train, classes.length, 'training');
  const given = variation.trainLabels ?? labels;
  if (given.length !== count || given.some((label) => label < 0 || label >= classes.length)) {
    throw new HeadstartError(
      'USAGE',
      `The option trainLabels must hold one class from 0 to ${classes.length - 1} for each of the ` +
        `${count} training samples.`,
    );
  }
  const trainSamples = chosenSamples('trainSamples', variation.trainSamples, count);
  const validationLabels = labelsOf(validation, classes.length, 'validation');
  const measured = chosenSamples(
    'validationSamples',
    variation.validationSamples,
    validation.samples.length,
  );
  const tested = variation.testSamples
    ? chosenSamples('testSamples', variation.testSamples, validation.samples.length)
    : new Int32Array(0);
  const rows = plainRows(validation);
  return {
    settings: trainingSettings(own),
    schedule: trainingSchedule(own, trainSamples.length),
    trainSamples,
    trainLabels: trainSamples.map((sample) => given[sample] as number),
    validationRows: measured.map((sample) => rows[sample] as number),
    validationLabels: measured.map((sample) => validationLabels[sample] as number),
    testRows: tested.map((sample) => rows[sample] as number),
    testLabels: tested.map((sample) => validationLabels[sample] as number),
  };
}

/** What a variation leaves undefined is as in the options that all share. */
function defined(variation: HeadVariation): HeadVariation {
  return Object.fromEntries(Object.entries(variation).filter(([, value]) => value !== undefined));
}

/**
 * The views that some head needs of each sample of the set, in ascending order.
 *
 * @param viewsOf the views that a schedule needs of each of the samples that it counts
 */
export function viewsOfHeads(
  { heads }: { readonly heads: readonly Pick<HeadPlan, 'schedule' | 'trainSamples'>[] },
  samples: number,
  viewsOf: (schedule: ScheduleOptions) => readonly (readonly number[])[],
): number[][] {
  const needed = Array.from({ length: samples }, () => new Set<number>());
  // Heads of one schedule, of which a search has hundreds, are planned once.
  const planned = new Map<string, readonly (readonly number[])[]>();
  for (const { schedule, trainSamples } of heads) {
    const key = JSON.stringify(schedule);
    const views = planned.get(key) ?? viewsOf(schedule);
    planned.set(key, views);
    trainSamples.forEach((sample, i) => {
      for (const view of views[i] as readonly number[]) needed[sample]?.add(view);
    });
  }
  return needed.map((set) => [...set].sort((a, b) => a - b));
}

/**
 * The views of each training sample that heads of these options draw, in ascending order: what a
 * set that they are trained on must have as its rows.
 *
 * @throws HeadstartError `USAGE`
 */
export function viewsOfVariations(
  options: TrainingOptions,
  heads: readonly HeadVariation[],
  samples: number,
): number[][] {
  const plans = heads.map((variation) => {
    const trainSamples = chosenSamples('trainSamples', variation.trainSamples, samples);
    const schedule = trainingSchedule({ ...options, ...defined(variation) }, trainSamples.length);
    return { trainSamples, schedule };
  });
  return viewsOfHeads({ heads: plans }, samples, planViews);
}

/** Parts are named in the user's words: the refusal of a checkpoint lists which of them differ. */
function fingerprint(
  options: TrainHeadsOptions,
  settings: TrainingSettings,
  head: ResolvedHead,
): Fingerprint {
  const { dropout: _, ...rest } = settings;
  const { epochs, batchSize, learningRate, seed, views, earlyStopping, ...others } = rest;
  return fingerprintOf({
    epochs,
    'batch size': batchSize,
    'learning rate': learningRate,
    seed,
    views,
    'early stopping': earlyStopping,
    'set of training options': others,
    head: { layers: head.layers, inputShape: head.inputShape },
    classes: options.classes,
    'training set': describeSet(options.train),
    'validation set': describeSet(options.validation),
    'feature extractor': options.checkpoint?.featuresId,
    'initial weights': options.init && weightsDigest(options.init),
    'list of heads': options.heads.map(describeVariation),
    backend: options.backend ?? 'cpu',
    'kind of arithmetic': options.compute ?? 'fp32',
  });
}

function describeVariation(variation: HeadVariation): unknown {
  const plain = ([name, value]: [string, unknown]) => [
    name,
    value instanceof Int32Array ? Array.from(value) : value,
  ];
  return Object.fromEntries(Object.entries(variation).map(plain));
}

function describeSet(set: Pick<FeatureSet, 'shape' | 'dtype' | 'samples'>): unknown {
  const samples = set.samples.map(({ name, hash, label, rows }) => [hash ?? name, label, rows]);
  return { shape: set.shape, dtype: set.dtype, samples };
}

function weightsDigest(weights: HeadWeights): string {
  const hash = createHash('sha256');
  for (const name of Object.keys(weights).sort()) {
    const { shape, data } = weights[name] as HeadWeights[string];
    hash.update(`${name}[${shape.join()}]`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}
