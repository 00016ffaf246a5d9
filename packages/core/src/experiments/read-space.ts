import { HeadstartError, reasonOf } from '../base/errors.ts';
import { readRegularText } from '../base/regular-file.ts';
import type { FeatureSet } from '../features/index.ts';
import { defaultHead, type HeadSpec, loadHeadSpec, resolveHead } from '../head/index.ts';
import type { ExperimentTrainingOptions } from './cross-validate.ts';
import { defaultSpace, parseSpace, type SearchSpace, type TrialChoice } from './search-space.ts';

export async function loadSpace(path: string | undefined): Promise<SearchSpace> {
  if (path === undefined) return defaultSpace;
  let text: string;
  try {
    text = await readRegularText(path);
  } catch (error) {
    throw new HeadstartError('USAGE', `Cannot read the search space ${path}: ${reasonOf(error)}.`, {
      cause: error,
    });
  }
  return parseSpace(text, path);
}

export async function loadSpecs(space: SearchSpace): Promise<Map<string, HeadSpec>> {
  const specs = new Map<string, HeadSpec>();
  for (const name of space.head) specs.set(name, await loadHeadSpec(name));
  return specs;
}

/** Refuses heads that do not fit the features before anything is trained. */
export function checkSpecs(
  specs: ReadonlyMap<string, HeadSpec>,
  { shape }: FeatureSet,
  classes: number,
) {
  for (const spec of specs.values()) resolveHead(spec, { featureShape: shape, classes });
}

export function hasDropout({ layers }: HeadSpec): boolean {
  return layers.some(({ type }) => type === 'dropout');
}

/** What `train` would do with the same options. */
export function baselineOf(
  options: ExperimentTrainingOptions,
  { shape }: FeatureSet,
  optimizer: TrialChoice['optimizer'] = 'adam',
): TrialChoice {
  const { dropout, momentum, weightDecay = optimizer === 'adamw' ? 0.004 : 0 } = options;
  return {
    head: options.head ?? defaultHead(shape).name,
    optimizer,
    classWeights: options.classWeights ?? 'none',
    learningRate: options.learningRate ?? 1e-3,
    weightDecay,
    l2: options.l2 ?? 0,
    labelSmoothing: options.labelSmoothing ?? 0,
    ...(dropout === undefined ? {} : { dropout }),
    ...(momentum === undefined ? {} : { momentum }),
  };
}
