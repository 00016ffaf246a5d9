import { join } from 'node:path';
import { parseCsv } from '../base/csv.ts';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import { readRegularFile } from '../base/regular-file.ts';
import type { Run } from './read.ts';
import { runFiles } from './record.ts';

/** A run's prediction for one of its validation images. */
export interface RunPrediction {
  readonly file: string;
  /** SHA-256 of the image file; empty in runs on feature files, and in older ones. */
  readonly hash: string;
  readonly label: string;
  readonly predicted: string;
  /** Of the predicted class. */
  readonly probability: number;
  /** Of the true class. */
  readonly labelProbability: number;
}

/** The `predictions.csv` of a run. @throws HeadstartError `RUN_INVALID` */
export async function readRunPredictions({ folder }: Run): Promise<RunPrediction[]> {
  const path = join(folder, runFiles.predictions);
  let rows: Record<string, string>[];
  try {
    rows = parseCsv(await readRegularFile(path), { columns: true });
  } catch (error) {
    throw new HeadstartError('RUN_INVALID', `Cannot read ${path}: ${reasonOf(error)}.`, {
      cause: error,
    });
  }
  return rows.map((row) => {
    const { file, hash = '', label, predicted } = row;
    if (file === undefined || label === undefined || predicted === undefined) {
      throw new HeadstartError('RUN_INVALID', `${path} is not a table of predictions.`);
    }
    const [probability, labelProbability] = [row.probability, row.label_probability].map(Number);
    return {
      file,
      hash,
      label,
      predicted,
      probability: probability ?? 0,
      labelProbability: labelProbability ?? 0,
    };
  });
}
