import type { ClassWeights, HeadSpec, TrainingOptions } from '../head/index.ts';
import type { AugmentOptions } from '../image/index.ts';
import {
  backboneOptions,
  computeOption,
  dataOptions,
  featureFileOption,
  headOptions,
  type OptionsOf,
  optimizerOptions,
  pickOptions,
  precisionOptions,
  resizeOptions,
  restoreBestOption,
  runOptions,
  seedOption,
  splitOptions,
  validationFeaturesOption,
  validationStepsOption,
} from '../options/index.ts';

const { init, calibrate } = runOptions;

/** What decides a run's features, head and figures, but for where and how fast it is computed. */
const singleValues = {
  ...featureFileOption,
  ...validationFeaturesOption,
  ...dataOptions,
  ...splitOptions,
  ...backboneOptions,
  ...resizeOptions,
  ...precisionOptions,
  ...headOptions,
  ...optimizerOptions,
  ...computeOption,
  ...restoreBestOption,
  ...validationStepsOption,
  ...seedOption,
  init,
  calibrate,
} as const;

/** The options that a run was trained with, as the library takes them. */
export interface RecordedOptions
  extends Omit<OptionsOf<typeof singleValues>, 'head' | 'classWeights'>,
    Pick<TrainingOptions, 'views' | 'earlyStopping' | 'learningRateSchedule'> {
  readonly data?: string | undefined;
  readonly head?: string | HeadSpec | undefined;
  readonly classWeights?: ClassWeights | undefined;
  readonly augment?: AugmentOptions | undefined;
}

const composed = ['data', 'views', 'earlyStopping', 'learningRateSchedule', 'augment'];
const recordedNames = [...composed, ...Object.keys(singleValues)];

/** The part of some options that a run records. */
export function recordedOptions(options: RecordedOptions): RecordedOptions {
  return pickOptions(options, recordedNames);
}

/**
 * The options that a run was trained with. Older runs record arguments alone, which are options of
 * the library or the values of flags, of which `earlyStopping` is a switch.
 *
 * @example
 * ```ts
 * const { record } = await readRun('runs/fruit');
 * const { backbone, learningRate } = optionsOfRun(record);
 * ```
 */
export function optionsOfRun({
  options,
  arguments: given,
}: {
  readonly options?: RecordedOptions | undefined;
  readonly arguments: Readonly<Record<string, unknown>>;
}): RecordedOptions {
  if (options) return options;
  return recordedOptions(typeof given.earlyStopping === 'boolean' ? ofFlags(given) : given);
}

/** The values of the command line's flags, as older runs have them, as options. */
function ofFlags(flags: Readonly<Record<string, unknown>>): RecordedOptions {
  const { earlyStopping: enabled, monitor, minDelta, patience, valFeatures, ...rest } = flags;
  const { lrSchedule: type, warmupEpochs, lrFactor: factor, lrPatience } = flags;
  const schedules: Readonly<Record<string, object>> = {
    constant: { type },
    cosine: { type, warmupEpochs },
    plateau: { type, factor, patience: lrPatience },
  };
  return {
    ...rest,
    validationFeatures: valFeatures,
    earlyStopping: { enabled, monitor, minDelta, patience },
    learningRateSchedule: schedules[String(type)],
    augment: augmentOfFlags(flags),
  } as RecordedOptions;
}

function augmentOfFlags(flags: Readonly<Record<string, unknown>>): AugmentOptions | undefined {
  const { flip, widthShift, heightShift, rotation, zoom, brightness } = flags;
  const any = flip || [widthShift, heightShift, rotation, zoom, brightness].some(Boolean);
  if (flags.augment === false || !any) return undefined;
  // What is off is not named, so that features of before are still the same.
  const more = Object.entries({ rotation, zoom, brightness }).filter(([, value]) => value);
  return { flip, widthShift, heightShift, ...Object.fromEntries(more) } as AugmentOptions;
}
