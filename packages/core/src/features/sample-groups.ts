import { groupsBy } from '../dataset/index.ts';
import type { FeatureSet } from './set.ts';

/**
 * Names the group of each sample, by its name: groups are not parted in cross-validation.
 *
 * @throws HeadstartError `USAGE` where the pattern is none
 */
export function inGroups(set: FeatureSet, pattern: string | undefined): FeatureSet {
  if (pattern === undefined) return set;
  const groupOf = groupsBy(pattern);
  return { ...set, samples: set.samples.map((sample) => ({ ...sample, group: groupOf(sample) })) };
}
