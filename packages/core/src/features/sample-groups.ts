import { groupsBy } from '../dataset/index.ts';
import type { FeatureSample, FeatureSet } from './set.ts';

/**
 * Names the group of each sample that has none, by its name: groups are not parted in
 * cross-validation.
 *
 * @throws HeadstartError `USAGE` where the pattern is none
 */
export function inGroups(set: FeatureSet, pattern: string | undefined): FeatureSet {
  if (pattern === undefined) return set;
  const groups = groupsBy(pattern)(set.samples);
  const inGroup = (sample: FeatureSample, i: number) => ({
    ...sample,
    group: sample.group ?? groups[i],
  });
  return { ...set, samples: set.samples.map(inGroup) };
}
