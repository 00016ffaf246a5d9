import { type Command, Option } from 'commander';
import { numberBetween, optionWithDefault } from '../options.ts';

/** The options of every command that scans a folder of images. */
export interface DataOptions {
  readonly corrections?: string;
  readonly rehash?: boolean;
}

/** The options of every command that splits a folder, where it has no folders for it. */
export interface SplitOptions {
  readonly validationFraction: number;
  readonly testFraction: number;
  readonly groupBy?: string;
}

export function addDataOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--corrections <file>',
        'labels to change and images to leave out (CSV: hash,file,action,label)',
      ),
    )
    .option('--rehash', 'read every file again, also those that have not changed since');
}

export function addSplitOptions(command: Command): Command {
  return command
    .addOption(
      optionWithDefault(
        '--validation-fraction <x>',
        'share of the images that validates, where no folder does',
        numberBetween(0, 1, { open: true }),
        0.2,
      ),
    )
    .addOption(
      optionWithDefault(
        '--test-fraction <x>',
        'share of the images that is kept for `evaluate --split test`, where no folder is',
        numberBetween(0, 1, { open: true }),
        0,
      ),
    )
    .option(
      '--group-by <regex>',
      'never split images whose paths match the same (in the first parentheses, or in all)',
    );
}
