import type { CommandDescription } from '../command-tree.ts';
import { bashCompletion } from './bash.ts';
import { fishCompletion } from './fish.ts';
import { zshCompletion } from './zsh.ts';

/** A script that completes the command line, by shell. */
export const completions = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
} as const satisfies Record<string, (program: CommandDescription) => string>;

export type Shell = keyof typeof completions;
