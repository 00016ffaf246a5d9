import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../base/atomic-file.ts';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import { confusionCsv } from '../evaluate/index.ts';
import { historyCsv, writeHeadWeights } from '../head/index.ts';
import type { RunContents } from './contents.ts';
import { type RunRecord, runFiles } from './record.ts';
import { predictionsCsv, skippedCsv } from './tables.ts';
import { wholeModel } from './whole-model.ts';
import { describeFile, type RunFiles, settled, writeFiles } from './write-files.ts';
import { writeRunReport } from './write-report.ts';

/**
 * Writes a run folder. Each file is written whole or not at all. The run is complete, with its
 * `run.json`, before anything is drawn: a plot or a report that fails is a warning. A run that stood
 * there before is replaced, and counts as unfinished until the new one is complete.
 *
 * @throws HeadstartError `OUTPUT_UNWRITABLE`; `signal.reason` where aborted
 */
export async function writeRun(folder: string, contents: RunContents): Promise<RunRecord> {
  const { signal } = contents;
  signal?.throwIfAborted();
  await removeOld(folder);
  const model = await modelFiles(contents);
  signal?.throwIfAborted();
  // Each file waits for the disk: together they wait once.
  const written = await settled([
    writeWeights(folder, contents),
    writeFiles(folder, model),
    writeFiles(folder, textFiles(contents)),
  ]);
  signal?.throwIfAborted();
  const files: RunFiles = Object.assign({}, ...written);
  await writeRecord(folder, contents, files);
  const drawn = await writeRunReport(folder, contents, files);
  return writeRecord(folder, contents, { ...files, ...drawn });
}

async function writeRecord(
  folder: string,
  contents: RunContents,
  files: RunFiles,
): Promise<RunRecord> {
  const record: RunRecord = { format: 'headstart-run', version: 1, ...contents.record, files };
  await writeFileAtomically(join(folder, runFiles.record), json(record));
  return record;
}

async function removeOld(folder: string): Promise<void> {
  for (const name of [runFiles.record, runFiles.folds, runFiles.model]) {
    try {
      await rm(join(folder, name), { force: true });
    } catch (error) {
      throw new HeadstartError(
        'OUTPUT_UNWRITABLE',
        `Cannot write ${folder}: ${reasonOf(error)}. Choose a place that can be written.`,
        { cause: error },
      );
    }
  }
}

async function writeWeights(folder: string, { record, weights }: RunContents): Promise<RunFiles> {
  const { head, classes } = record;
  const path = join(folder, runFiles.weights);
  await writeHeadWeights(path, weights, { head: head.name, classes: JSON.stringify(classes) });
  return { [runFiles.weights]: await describeFile(path) };
}

/** None where the run was trained without a backbone. */
async function modelFiles(contents: RunContents): Promise<[string, Uint8Array[]][]> {
  const { record, weights, backbonePath, signal } = contents;
  if (backbonePath === undefined) return [];
  const { head, classes, calibration } = record;
  const temperature = calibration?.temperature;
  const metadata = {
    head: head.name,
    ...(temperature === undefined ? {} : { temperature: `${temperature}` }),
  };
  const options = { backbonePath, head, weights, classes, temperature, metadata, signal };
  return [[runFiles.model, await wholeModel(options)]];
}

function textFiles(contents: RunContents): [string, string][] {
  const { record, history, evaluation, skipped } = contents;
  const { classes } = record;
  return [
    [runFiles.labels, labelsText(classes)],
    [runFiles.history, historyCsv(history)],
    [runFiles.metrics, json(evaluation.metrics)],
    [runFiles.confusion, confusionCsv(evaluation.confusion, classes)],
    [runFiles.predictions, predictionsCsv(evaluation.predictions, classes, contents.hashes)],
    [runFiles.skipped, skippedCsv(skipped)],
  ];
}

/** One class name a line, by label. */
export function labelsText(classes: readonly string[]): string {
  return classes.map((name) => `${name.replace(/[\r\n]+/g, ' ')}\n`).join('');
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
