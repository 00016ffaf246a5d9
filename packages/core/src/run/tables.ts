import { csvText } from '../base/csv.ts';
import type { SkippedFile } from '../dataset/index.ts';
import type { SamplePrediction } from '../evaluate/index.ts';

/**
 * `file,label,predicted,probability,label_probability,correct,hash`, one row per sample.
 *
 * @param hashes SHA-256 of each image file; empty where it is not known
 */
export function predictionsCsv(
  predictions: readonly SamplePrediction[],
  classes: readonly string[],
  hashes: readonly (string | undefined)[] = [],
): string {
  const rows = predictions.map((p, i) => [
    p.name,
    classes[p.label],
    classes[p.predicted],
    p.probability,
    p.labelProbability,
    p.label === p.predicted ? 'true' : 'false',
    hashes[i] ?? '',
  ]);
  const probabilities = ['probability', 'label_probability'];
  const columns = ['file', 'label', 'predicted', ...probabilities, 'correct', 'hash'];
  return csvText(rows, { header: true, columns });
}

/** `file,reason`, one row per file that was not used. */
export function skippedCsv(skipped: readonly SkippedFile[]): string {
  const rows = skipped.map(({ path, reason }) => [path, reason]);
  return csvText(rows, { header: true, columns: ['file', 'reason'] });
}
