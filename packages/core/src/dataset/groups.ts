import { HeadstartError, reasonOf } from '../base/errors.ts';
import type { Sample } from './types.ts';

/** Names the group of a sample; undefined where it has none and stands for itself. */
export type GroupOf = (sample: Pick<Sample, 'name' | 'group'>) => string | undefined;

/** By the groups that a table says, where it says some, and else by a pattern, where there is one. */
export function groupingOf(
  samples: readonly Pick<Sample, 'group'>[],
  byPattern: GroupOf | undefined,
): GroupOf | undefined {
  if (samples.every(({ group }) => group === undefined)) return byPattern;
  return (sample) => sample.group ?? byPattern?.(sample);
}

/**
 * Groups by a pattern on the path relative to the data: a group is what the pattern's first
 * parentheses match, or all that it matches where it has none. A path that it does not match, or
 * matches with nothing, has no group.
 *
 * @param pattern a regular expression of JavaScript, with Unicode (flag `u`)
 * @throws HeadstartError `USAGE`
 */
export function groupsBy(pattern: string): GroupOf {
  const expression = compile(pattern);
  return ({ name }) => {
    const match = expression.exec(name);
    return match?.[1] || match?.[0] || undefined;
  };
}

function compile(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u');
  } catch (error) {
    throw new HeadstartError(
      'USAGE',
      `The pattern of the groups is no regular expression (${reasonOf(error)}): write for example '([^/]+)_\\d+'.`,
      { cause: error },
    );
  }
}
