import { type Corrections, invalid } from './corrections.ts';
import { list } from './layout-error.ts';
import type { AppliedCorrections, Sample } from './types.ts';

/** A data set's samples, with the classes that their labels are indices into. */
export interface LabelledParts {
  readonly classes: readonly string[];
  /** What is trained on; undefined where nothing is. */
  readonly training?: readonly Sample[] | undefined;
  /** The other parts; undefined where there is no such part. */
  readonly others: readonly (readonly Sample[] | undefined)[];
}

/**
 * Changes and removes samples by corrections: all that have the hash, wherever they lie, but for
 * `remove-from-training`. A new label must be one of the classes.
 *
 * @returns the same parts in the same order
 * @throws HeadstartError `CORRECTIONS_INVALID`
 */
export function applyCorrections(
  { classes, training, others }: LabelledParts,
  corrections: Corrections,
): {
  readonly training: Sample[] | undefined;
  readonly others: (Sample[] | undefined)[];
  readonly applied: AppliedCorrections;
} {
  const labels = newLabels(classes, corrections);
  const used = new Set<string>();
  let [relabelled, removed] = [0, 0];
  const correct = (sample: Sample, isTraining: boolean): Sample | undefined => {
    const action = corrections.byHash.get(sample.hash)?.action;
    if (action === undefined) return sample;
    used.add(sample.hash);
    if (action === 'remove' || (action === 'remove-from-training' && isTraining)) {
      removed++;
      return undefined;
    }
    const label = labels.get(sample.hash);
    if (label === undefined || label === sample.label) return sample;
    relabelled++;
    return { ...sample, label };
  };
  const corrected = (part: readonly Sample[] | undefined, isTraining: boolean) =>
    part?.map((sample) => correct(sample, isTraining)).filter((sample) => sample !== undefined);
  const parts = {
    training: corrected(training, true),
    others: others.map((part) => corrected(part, false)),
  };
  const { path: file, sha256, byHash } = corrections;
  const applied = { file, sha256, relabelled, removed, unused: byHash.size - used.size };
  return { ...parts, applied };
}

/**
 * Labels by hash. A class is made by a folder, not by a correction: a misspelt label would else
 * found a class of its own.
 */
function newLabels(classes: readonly string[], { path, byHash }: Corrections): Map<string, number> {
  const labels = new Map<string, number>();
  for (const { hash, action, label, line } of byHash.values()) {
    if (action !== 'relabel') continue;
    const index = classes.indexOf(label.normalize());
    if (index < 0) {
      throw invalid(
        path,
        line,
        `"${label}" is not a class of the data (${list(classes)}): correct it, or make a folder of that name with an image in it`,
      );
    }
    labels.set(hash, index);
  }
  return labels;
}
