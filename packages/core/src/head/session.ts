import { type BackendName, type FeatureStore, Trainer } from '@headstart/native';
import { HeadstartError } from '../base/errors.ts';
import type { OperationOptions } from '../base/operation.ts';
import type { FeatureSet } from '../features/index.ts';
import { describeTrainer } from './device.ts';
import { type LoadFeaturesOptions, loadFeatureStore } from './feature-store.ts';
import type { ClassWeights, EpochFeatures, TrainHeadsOptions } from './options.ts';
import { type TrainingPlan, viewsOfHeads } from './plan.ts';
import { balancedClassWeights, rowFinder } from './samples.ts';
import { planEpochViews, planViews } from './schedule.ts';

/** Training features in native memory. */
export interface EpochRows extends Disposable {
  readonly store: FeatureStore;
  /** The row of a sample's view. */
  readonly rowOf: (sample: number, view: number) => number;
}

/** The native side of a run: features in memory, and the trainer. Dispose of it. */
export interface TrainingSession extends TrainingPlan, Disposable {
  readonly trainer: Trainer;
  /** The training rows of an epoch (0-based), in native memory. Dispose of them after the epoch. */
  openEpoch(epoch: number, options: OperationOptions): Promise<EpochRows>;
  readonly validationStore: FeatureStore;
  readonly backend: { readonly name: BackendName; readonly description: string };
}

/** Loads the features and makes a trainer with its first weights. */
export async function openSession(
  plan: TrainingPlan,
  options: TrainHeadsOptions,
): Promise<TrainingSession> {
  const { train, validation, init, signal } = options;
  const resources: Disposable[] = [];
  const dispose = () => {
    for (const resource of resources.splice(0).reverse()) resource[Symbol.dispose]();
  };
  try {
    const trainer = makeTrainer(plan, options);
    resources.push(trainer);
    if (init) for (const head of plan.heads.keys()) trainer.setWeights(init, head);
    const { backend: device = 'cpu', compute = 'fp32' } = options;
    const load = { signal, roundToBfloat16: plan.readsBfloat16, device };
    const fetch = async (set: FeatureSet) => {
      if (options.stores) return options.stores.load(set, plan.head.inputShape, load);
      const store = await loadFeatureStore(set, plan.head.inputShape, load);
      resources.push(store);
      return store;
    };
    const openEpoch =
      'chunks' in train ? await epochsOfSet(train, plan, fetch) : epochsOfSource(train, plan, load);
    const validationStore = await fetch(validation);
    const backend = { name: device, description: describeTrainer(device, compute) };
    return { ...plan, trainer, openEpoch, validationStore, backend, [Symbol.dispose]: dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** All rows are loaded once, and stay. */
async function epochsOfSet(
  set: FeatureSet,
  plan: TrainingPlan,
  fetch: (set: FeatureSet) => Promise<FeatureStore>,
): Promise<TrainingSession['openEpoch']> {
  const rowOf = rowFinder(set, viewsOfHeads(plan, set.samples.length, planViews));
  const store = await fetch(set);
  return async () => ({ store, rowOf, [Symbol.dispose]: () => {} });
}

/** Each epoch has rows of its own, which go after it. */
function epochsOfSource(
  source: EpochFeatures,
  plan: TrainingPlan,
  options: LoadFeaturesOptions,
): TrainingSession['openEpoch'] {
  return async (epoch, { signal }) => {
    const views = viewsOfHeads(plan, source.samples.length, (schedule) =>
      planEpochViews(schedule, epoch),
    );
    const set = await source.forViews(views);
    const rowOf = rowFinder(set, views);
    const store = await loadFeatureStore(set, plan.head.inputShape, { ...options, signal });
    return { store, rowOf, [Symbol.dispose]: () => store.dispose() };
  };
}

function makeTrainer({ head, heads, compute }: TrainingPlan, options: TrainHeadsOptions): Trainer {
  return new Trainer({
    inputShape: head.inputShape,
    layers: head.layers,
    classes: head.classes,
    heads: heads.map(({ settings, trainLabels }) => ({
      seed: settings.seed,
      learningRate: settings.learningRate,
      optimizer: settings.optimizer,
      weightDecay: settings.weightDecay,
      l2: settings.l2,
      labelSmoothing: settings.labelSmoothing,
      dropout: settings.dropout,
      classWeights: classWeights(settings.classWeights, trainLabels, head.classes),
    })),
    backend: options.backend ?? 'cpu',
    compute,
    threads: options.threads,
  });
}

function classWeights(
  weights: ClassWeights,
  labels: Int32Array,
  classes: number,
): Float32Array | undefined {
  if (weights === 'none') return undefined;
  if (weights === 'balanced') return balancedClassWeights(labels, classes);
  if (weights.length === classes) return Float32Array.from(weights);
  throw new HeadstartError(
    'USAGE',
    `The option classWeights has ${weights.length} numbers for ${classes} classes.`,
  );
}
