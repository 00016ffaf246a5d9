import { stringify } from 'csv-stringify/sync';
import type { SkippedFile } from '../dataset/index.ts';
import type { SamplePrediction } from '../evaluate/index.ts';

/** `file,label,predicted,probability,label_probability,correct`, one row a sample. */
export function predictionsCsv(
  predictions: readonly SamplePrediction[],
  classes: readonly string[],
): string {
  const rows = predictions.map((p) => [
    p.name,
    classes[p.label],
    classes[p.predicted],
    p.probability,
    p.labelProbability,
    p.label === p.predicted ? 'true' : 'false',
  ]);
  const columns = ['file', 'label', 'predicted', 'probability', 'label_probability', 'correct'];
  return stringify(rows, { header: true, columns });
}

/** `file,reason`, one row a file that was not used. */
export function skippedCsv(skipped: readonly SkippedFile[]): string {
  const rows = skipped.map(({ path, reason }) => [path, reason]);
  return stringify(rows, { header: true, columns: ['file', 'reason'] });
}
