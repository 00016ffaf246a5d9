import { createHash } from 'node:crypto';
import { type BackendName, backends, type FeatureStore, Trainer } from '@headstart/native';
import { HeadstartError } from '../errors.ts';
import type { FeatureSet } from '../features/index.ts';
import type { OperationOptions } from '../operation.ts';
import { type Fingerprint, fingerprintOf } from './checkpoint.ts';
import { loadFeatureStore } from './feature-store.ts';
import type { EpochFeatures, TrainHeadOptions } from './options.ts';
import { checkFeatureShape } from './predict.ts';
import { balancedClassWeights, labelsOf, plainRows, rowFinder } from './samples.ts';
import { planEpochViews, planViews, type ScheduleOptions } from './schedule.ts';
import { type TrainingSettings, trainingSchedule, trainingSettings } from './settings.ts';
import type { ResolvedHead } from './spec.ts';
import { resolveHead } from './spec-resolve.ts';
import { checkHeadWeights, type HeadWeights } from './weights.ts';

/** Training features in native memory. */
export interface EpochRows extends Disposable {
  readonly store: FeatureStore;
  /** The row of a sample's view. */
  readonly rowOf: (sample: number, view: number) => number;
}

/** A training run before any memory is taken: everything checked, nothing loaded. */
export interface TrainingPlan {
  readonly settings: TrainingSettings;
  readonly schedule: ScheduleOptions;
  readonly head: ResolvedHead;
  readonly trainLabels: Int32Array;
  readonly validationLabels: Int32Array;
  readonly validationRows: Int32Array;
  readonly fingerprint: Fingerprint;
}

/** The native side of a run: features in memory, and the trainer. Dispose of it. */
export interface TrainingSession extends TrainingPlan, Disposable {
  readonly trainer: Trainer;
  /** The training rows of an epoch (0-based), in native memory. Dispose of them after the epoch. */
  openEpoch(epoch: number, options: OperationOptions): Promise<EpochRows>;
  readonly validationStore: FeatureStore;
  readonly backend: { readonly name: BackendName; readonly description: string };
}

/** @throws HeadstartError `USAGE`, `HEAD_SPEC_INVALID`, `WEIGHTS_INVALID`, `FEATURE_FILE_INVALID` */
export function planTraining(options: TrainHeadOptions): TrainingPlan {
  const { train, validation, classes, init } = options;
  const settings = trainingSettings(options);
  if (classes.length < 2) {
    throw new HeadstartError(
      'USAGE',
      `There must be at least two classes to tell apart, not ${classes.length}.`,
    );
  }
  const trainLabels = labelsOf(train, classes.length, 'training');
  const validationLabels = labelsOf(validation, classes.length, 'validation');
  const head = resolveHead(settings.head, {
    featureShape: train.shape,
    classes: classes.length,
    dropout: settings.dropout,
  });
  checkFeatureShape(validation, head);
  if (init) checkHeadWeights(init, head.parameters, 'the initial head');
  const schedule = trainingSchedule(options, train.samples.length);
  return {
    settings,
    schedule,
    head,
    trainLabels,
    validationLabels,
    validationRows: plainRows(validation),
    fingerprint: fingerprint(options, settings, head),
  };
}

/** Loads the features and makes a trainer with its first weights. */
export async function openSession(
  plan: TrainingPlan,
  options: TrainHeadOptions,
): Promise<TrainingSession> {
  const { train, validation, init, signal } = options;
  const resources: Disposable[] = [];
  const dispose = () => {
    for (const resource of resources.splice(0).reverse()) resource[Symbol.dispose]();
  };
  try {
    const trainer = makeTrainer(plan, options);
    resources.push(trainer);
    if (init) trainer.setWeights(init);
    const openEpoch =
      'chunks' in train
        ? await epochsOfSet(train, plan, resources, { signal })
        : epochsOfSource(train, plan);
    const validationStore = await loadFeatureStore(validation, plan.head.inputShape, { signal });
    resources.push(validationStore);
    const backend = describeBackend(options.backend ?? 'cpu');
    return { ...plan, trainer, openEpoch, validationStore, backend, [Symbol.dispose]: dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** All rows are loaded once, and stay. */
async function epochsOfSet(
  set: FeatureSet,
  { schedule, head }: TrainingPlan,
  resources: Disposable[],
  options: OperationOptions,
): Promise<TrainingSession['openEpoch']> {
  const rowOf = rowFinder(set, planViews(schedule));
  const store = await loadFeatureStore(set, head.inputShape, options);
  resources.push(store);
  return async () => ({ store, rowOf, [Symbol.dispose]: () => {} });
}

/** Each epoch has rows of its own, which go after it. */
function epochsOfSource(
  source: EpochFeatures,
  { schedule, head }: TrainingPlan,
): TrainingSession['openEpoch'] {
  return async (epoch, options) => {
    const views = planEpochViews(schedule, epoch);
    const set = await source.forViews(views);
    const rowOf = rowFinder(set, views);
    const store = await loadFeatureStore(set, head.inputShape, options);
    return { store, rowOf, [Symbol.dispose]: () => store.dispose() };
  };
}

function makeTrainer(plan: TrainingPlan, options: TrainHeadOptions): Trainer {
  const { head, settings, trainLabels } = plan;
  const classWeights =
    settings.classWeights === 'balanced'
      ? balancedClassWeights(trainLabels, head.classes)
      : undefined;
  return new Trainer({
    inputShape: head.inputShape,
    layers: head.layers,
    classes: head.classes,
    heads: [{ seed: settings.seed, learningRate: settings.learningRate, classWeights }],
    backend: options.backend ?? 'cpu',
    threads: options.threads,
  });
}

function describeBackend(name: BackendName): TrainingSession['backend'] {
  const found = backends().find((backend) => backend.name === name);
  return { name, description: found?.description ?? name };
}

/** Parts are named in the user's words: a refused checkpoint says which of them differ. */
function fingerprint(
  options: TrainHeadOptions,
  settings: TrainingSettings,
  head: ResolvedHead,
): Fingerprint {
  const { head: _, dropout: __, ...rest } = settings;
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
    backend: options.backend ?? 'cpu',
  });
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
