import { permutation, randomDomain, uniforms } from '@headstart/native';

/**
 * Which views an image is trained on:
 * - `none`: the plain image (view 0) every time;
 * - a number K: each time an image comes up, one of its views 1..K is drawn;
 * - `exact`: a new view every time, as Keras's ImageDataGenerator: the t-th time is view t.
 */
export type ViewPolicy = 'none' | 'exact' | number;

/** What decides which (sample, view) rows each epoch uses: nothing else does. */
export interface ScheduleOptions {
  /** Number of training samples. */
  readonly samples: number;
  readonly batchSize: number;
  /** `auto`: every sample once an epoch. N: N batches an epoch, see {@link epochBatches}. */
  readonly stepsPerEpoch: 'auto' | number;
  /** The largest number of epochs that may run. */
  readonly epochs: number;
  readonly views: ViewPolicy;
  readonly shuffle: boolean;
  readonly seed: number;
}

/** A run of batches: all have `batchSize` samples, the last may have fewer. */
export interface BatchRun {
  /** Sample indices, in order. */
  readonly samples: Int32Array;
  /** The view number of each. */
  readonly views: Int32Array;
}

/** Counters of the shuffle domain: training passes and validation draws never share one. */
const shuffleStream = { training: 0, validation: 1 } as const;

/** Batches in one pass over `samples`: the last may be short. */
export function batchesPerPass(samples: number, batchSize: number): number {
  return Math.ceil(samples / batchSize);
}

/** Batches in each epoch. */
export function stepsInEpoch(schedule: ScheduleOptions): number {
  const { stepsPerEpoch, samples, batchSize } = schedule;
  return stepsPerEpoch === 'auto' ? batchesPerPass(samples, batchSize) : stepsPerEpoch;
}

/**
 * The batches of one epoch (0-based), as runs that each end where a pass over the data ends.
 *
 * The stream of batches is that of Keras's DirectoryIterator under `steps_per_epoch`: pass after
 * pass over all samples, shuffled again for each pass, the last batch of a pass short. An epoch
 * takes the next N batches and the following epoch continues where it ended, in mid-pass.
 * (Keras 2 and `flow_from_directory`'s own iterator do exactly this. Keras 3's `fit` keeps the
 * place but shuffles at every epoch's end, so that within a pass some images repeat and others
 * are left out; Headstart does not copy that.)
 */
export function epochBatches(schedule: ScheduleOptions, epoch: number): BatchRun[] {
  const { samples, batchSize } = schedule;
  const perPass = batchesPerPass(samples, batchSize);
  const steps = stepsInEpoch(schedule);
  const runs: BatchRun[] = [];
  let step = epoch * steps;
  const end = step + steps;
  while (step < end) {
    const pass = Math.floor(step / perPass);
    const first = step - pass * perPass;
    const last = Math.min(perPass, first + end - step);
    runs.push(passSlice(schedule, pass, first * batchSize, Math.min(samples, last * batchSize)));
    step += last - first;
  }
  return runs;
}

/** Samples and views at the places `[begin, end)` of one pass. */
function passSlice(schedule: ScheduleOptions, pass: number, begin: number, end: number): BatchRun {
  const samples = passOrder(schedule, pass).slice(begin, end);
  return { samples, views: passViews(schedule, pass, samples) };
}

function passOrder({ samples, shuffle, seed }: ScheduleOptions, pass: number): Int32Array {
  if (!shuffle) return Int32Array.from({ length: samples }, (_, i) => i);
  const counter = [pass, shuffleStream.training, 0] as [number, number, number];
  return permutation({ seed, domain: randomDomain.shuffle, counter }, samples);
}

/** A view depends on (seed, pass, sample) only: not on the order in which samples come up. */
function passViews(schedule: ScheduleOptions, pass: number, samples: Int32Array): Int32Array {
  const { views, seed } = schedule;
  if (views === 'none') return new Int32Array(samples.length);
  if (views === 'exact') return new Int32Array(samples.length).fill(pass + 1);
  const counter = [pass, 0, 0] as [number, number, number];
  const drawn = uniforms({ seed, domain: randomDomain.viewChoice, counter }, schedule.samples);
  return samples.map((sample) => 1 + Math.floor((drawn[sample] as number) * views));
}

/**
 * The views that training may come to use: for each sample the view numbers in ascending order.
 * A sample that never comes up has none. Extraction computes these; {@link epochBatches} takes
 * no other.
 */
export function planViews(schedule: ScheduleOptions): number[][] {
  const { samples, views, epochs } = schedule;
  if (views === 'none') return Array.from({ length: samples }, () => [0]);
  return viewsOfEpochs(schedule, 0, epochs);
}

/** The views that one epoch (0-based) uses: for each sample the view numbers in ascending order. */
export function planEpochViews(schedule: ScheduleOptions, epoch: number): number[][] {
  return viewsOfEpochs(schedule, epoch, epoch + 1);
}

function viewsOfEpochs(schedule: ScheduleOptions, first: number, end: number): number[][] {
  const needed = Array.from({ length: schedule.samples }, () => new Set<number>());
  for (let epoch = first; epoch < end; epoch++) {
    for (const run of epochBatches(schedule, epoch)) {
      run.samples.forEach((sample, i) => {
        needed[sample]?.add(run.views[i] as number);
      });
    }
  }
  return needed.map((set) => [...set].sort((a, b) => a - b));
}

export interface ValidationScheduleOptions {
  /** Number of validation samples. */
  readonly samples: number;
  readonly batchSize: number;
  readonly validationSteps: 'all' | number;
  readonly shuffle: boolean;
  readonly seed: number;
}

/**
 * The validation samples that one epoch (0-based) is measured on.
 *
 * `all` takes every sample. N takes N batches: of a new shuffle each epoch, because Keras 3's
 * `fit` resets its validation generator, which reshuffles, before each evaluation; without
 * `shuffle`, the first N batches in order. Fewer are taken where there are fewer.
 */
export function validationSamples(schedule: ValidationScheduleOptions, epoch: number): Int32Array {
  const { samples, batchSize, validationSteps, shuffle, seed } = schedule;
  const inOrder = Int32Array.from({ length: samples }, (_, i) => i);
  if (validationSteps === 'all') return inOrder;
  const taken = Math.min(samples, validationSteps * batchSize);
  if (!shuffle) return inOrder.slice(0, taken);
  const counter = [epoch, shuffleStream.validation, 0] as [number, number, number];
  return permutation({ seed, domain: randomDomain.shuffle, counter }, samples).slice(0, taken);
}
