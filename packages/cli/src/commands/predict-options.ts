import type { unknownLabel } from '@headstart/core';
import { choice, integer, number, onOff, option, path } from '@headstart/core/options';
import type { CommonOptions, DeviceOptions, FlagValues } from '../options.ts';
import type { PredictionFormat } from '../prediction-writer.ts';

const formats = ['table', 'csv', 'json', 'jsonl'] as const satisfies readonly PredictionFormat[];

/** Named as in the library, which is not loaded for its name. */
const unknown: typeof unknownLabel = 'unknown';

/** Where a class has the name of what is none of the classes. */
export function unknownWarning(
  classes: readonly string[],
  threshold: number | undefined,
): string | undefined {
  if (threshold === undefined || !classes.includes(unknown)) return undefined;
  return `warning: the run has a class "${unknown}", which is also what images below --threshold are called.`;
}

/** An answer for what is none of the classes. */
export const thresholdOption = {
  threshold: option(number({ min: 0, max: 1 }), {
    help: `label an image "${unknown}" where no class is as probable`,
  }),
} as const;

export const predictOptions = {
  topk: option(integer({ min: 1 }), {
    default: 3,
    placeholder: 'k',
    help: 'how many classes to name',
  }),
  probabilities: option(choice(['top', 'all']), {
    default: 'top',
    placeholder: 'which',
    help: 'of the classes that are named, or also of all classes',
  }),
  ...thresholdOption,
  format: option(choice(formats), {
    help: 'output (default: table, or json under --json)',
  }),
  watch: option(path('folder'), { help: 'then label what comes into a folder, until Ctrl-C' }),
  null: option(onOff(), {
    short: '0',
    help: 'names on stdin end with a NUL byte, not with a line',
  }),
} as const;

export interface PredictOptions
  extends CommonOptions,
    DeviceOptions,
    FlagValues<typeof predictOptions> {
  readonly strict?: boolean;
}
