import { HeadstartError } from '../base/errors.ts';
import type { OperationOptions } from '../base/operation.ts';
import { wilsonInterval } from '../evaluate/index.ts';
import { checkOptions, compareOptions, type OptionsOf } from '../options/index.ts';
import { type Run, type RunPrediction, readRun, readRunPredictions } from '../run/index.ts';
import { comparePaired } from './paired.ts';

export interface CompareRunsOptions extends OperationOptions, OptionsOf<typeof compareOptions> {
  /** Two run folders or more; the others are compared with the first. */
  readonly runs: readonly string[];
}

/** How runs differ. */
export interface CompareResult {
  /** Validation images, the same of all runs. */
  readonly images: number;
  /** How images were matched: by their content, or by their names where it is not known. */
  readonly matchedBy: 'content' | 'name';
  readonly runs: readonly {
    readonly run: string;
    readonly accuracy: number;
    readonly interval: readonly [number, number];
  }[];
  /** Each of the others against the first run. */
  readonly comparisons: readonly {
    readonly run: string;
    readonly baseline: string;
    /** Accuracy minus that of the baseline. */
    readonly difference: number;
    readonly interval: readonly [number, number];
    readonly pValue: number;
    readonly onlyBaselineRight: number;
    readonly onlyRunRight: number;
    readonly mcnemarPValue: number;
  }[];
}

interface PredictedRun {
  readonly name: string;
  readonly predictions: readonly RunPrediction[];
}

/**
 * Compares runs on the validation images that they share, image by image.
 *
 * @throws HeadstartError `USAGE` where the runs have other images or labels; `RUN_INVALID`
 * @example
 * ```ts
 * const result = await compareRuns({ runs: ['runs/fruit', 'runs/fruit-2'] });
 * ```
 */
export async function compareRuns(options: CompareRunsOptions): Promise<CompareResult> {
  checkOptions(compareOptions, options);
  const { runs, seed, signal } = options;
  if (runs.length < 2) throw new HeadstartError('USAGE', 'Give at least two runs to compare.');
  const predicted: PredictedRun[] = [];
  for (const name of runs) {
    signal?.throwIfAborted();
    const run: Run = await readRun(name);
    predicted.push({ name, predictions: await readRunPredictions(run) });
  }
  const byContent = predicted.every(({ predictions }) =>
    predictions.every(({ hash }) => hash !== ''),
  );
  const keys = keysOf(predicted, byContent);
  const right = predicted.map((one) => inOrder(one, keys, byContent, predicted[0] as PredictedRun));
  const [baseline, ...others] = predicted.map(({ name }, i) => ({
    name,
    right: right[i] as boolean[],
  }));
  const all = baseline as { name: string; right: boolean[] };
  return {
    images: keys.length,
    matchedBy: byContent ? 'content' : 'name',
    runs: predicted.map(({ name }, i) => {
      const correct = (right[i] as boolean[]).filter((one) => one).length;
      const interval = wilsonInterval(correct, keys.length);
      return { run: name, accuracy: correct / keys.length, interval };
    }),
    comparisons: others.map((other) => {
      const compared = comparePaired(all.right, other.right, { seed });
      return {
        run: other.name,
        baseline: all.name,
        difference: compared.difference,
        interval: compared.interval,
        pValue: compared.p,
        onlyBaselineRight: compared.onlyFirst,
        onlyRunRight: compared.onlySecond,
        mcnemarPValue: compared.mcnemar,
      };
    }),
  };
}

/** What an image is known by. Copies of one content are told apart by their order. */
function keyed(predictions: readonly RunPrediction[], byContent: boolean) {
  const seen = new Map<string, number>();
  const entries = [...predictions]
    .sort((a, b) => (a.file < b.file ? -1 : 1))
    .map((prediction): [string, RunPrediction] => {
      const base = byContent ? prediction.hash : prediction.file;
      const count = seen.get(base) ?? 0;
      seen.set(base, count + 1);
      return [`${base} ${count}`, prediction];
    });
  return new Map(entries);
}

function keysOf(predicted: readonly PredictedRun[], byContent: boolean): string[] {
  const [first, ...others] = predicted as [PredictedRun, ...PredictedRun[]];
  const keys = [...keyed(first.predictions, byContent).keys()];
  for (const other of others) {
    const own = keyed(other.predictions, byContent);
    const shared = keys.filter((key) => own.has(key)).length;
    if (shared === keys.length && own.size === keys.length) continue;
    throw new HeadstartError(
      'USAGE',
      `${first.name} and ${other.name} were validated on different images: ${keys.length} and ` +
        `${own.size}, of which ${shared} are the same. Train both with the same split (\`seed\`, ` +
        '`validationFraction`, `corrections`), or measure both with `evaluate()`.',
      { option: 'seed' },
    );
  }
  return keys;
}

/** Whether the run has each image right, in the order of the keys. */
function inOrder(
  { name, predictions }: PredictedRun,
  keys: readonly string[],
  byContent: boolean,
  first: PredictedRun,
): boolean[] {
  const own = keyed(predictions, byContent);
  const labels = keyed(first.predictions, byContent);
  return keys.map((key) => {
    const { file, label, predicted } = own.get(key) as RunPrediction;
    const expected = labels.get(key)?.label as string;
    if (label === expected) return predicted === label;
    throw new HeadstartError(
      'USAGE',
      `${first.name} and ${name} disagree about what ${file} is (${expected}, ${label}): train both on the same labels.`,
    );
  });
}
