import { runInNewContext } from 'node:vm';
import { HeadstartError, reasonOf, systemCode } from '../base/errors.ts';
import type { Sample } from './types.ts';

/** Names the group of each sample; undefined where one has none and stands for itself. */
export type Grouping = (
  samples: readonly Pick<Sample, 'name' | 'group'>[],
) => (string | undefined)[];

/** By the groups that a table says, where it says some, and else by a pattern, where there is one. */
export function groupingOf(
  samples: readonly Pick<Sample, 'group'>[],
  byPattern: Grouping | undefined,
): Grouping | undefined {
  if (samples.every(({ group }) => group === undefined)) return byPattern;
  return (some) => {
    const matched = byPattern?.(some);
    return some.map(({ group }, i) => group ?? matched?.[i]);
  };
}

/** A pattern that backtracks without end would block the process: what is given to a list of paths. */
const [baseMs, eachMs] = [2000, 0.05];

/**
 * Groups by a pattern on the path relative to the data: a group is what the pattern's first
 * parentheses match, or all that it matches where it has none. A path that it does not match, or
 * matches with nothing, has no group.
 *
 * @param pattern a regular expression of JavaScript, with Unicode (flag `u`)
 * @throws HeadstartError `USAGE`, also when it is used and takes too long
 */
export function groupsBy(pattern: string): Grouping {
  const expression = compile(pattern);
  return (samples) => {
    const groups: (string | undefined)[] = [];
    const match = () => {
      for (const { name } of samples) {
        const found = expression.exec(name);
        groups.push(found?.[1] || found?.[0] || undefined);
      }
    };
    const timeout = Math.round(baseMs + eachMs * samples.length);
    try {
      runInNewContext('match()', { match }, { timeout });
    } catch (error) {
      if (systemCode(error) !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
      throw new HeadstartError(
        'USAGE',
        `The pattern ${pattern} of \`groupBy\` was stopped after ${timeout / 1000} seconds, at ${samples[groups.length]?.name}: write it without a repetition within a repetition.`,
        { cause: error, option: 'groupBy' },
      );
    }
    return groups;
  };
}

function compile(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u');
  } catch (error) {
    throw new HeadstartError(
      'USAGE',
      `The pattern of the groups is not a regular expression (${reasonOf(error)}): write for example '([^/]+)_\\d+'.`,
      { cause: error },
    );
  }
}
