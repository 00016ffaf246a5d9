import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../base/atomic-file.ts';
import { confusionCsv } from '../evaluate/index.ts';
import { historyCsv, writeHeadWeights } from '../head/index.ts';
import type { RunContents } from './contents.ts';
import { earlierRunFiles, type RunRecord, runFiles } from './record.ts';
import { predictionsCsv, skippedCsv } from './tables.ts';
import { wholeModel } from './whole-model.ts';
import { describeFile, type RunFiles, settled, writeFiles } from './write-files.ts';
import { writeRunReport } from './write-report.ts';
import { writeTogether } from './write-together.ts';

/**
 * Writes a run folder. Each file is written whole or not at all. The run is complete, with its
 * `run.json`, before anything is drawn: a plot or a report that fails is a warning. A run that stood
 * there before can be read until the new one is complete, which then takes its place.
 *
 * @throws HeadstartError `OUTPUT_UNWRITABLE`; `signal.reason` where aborted
 */
export async function writeRun(folder: string, contents: RunContents): Promise<RunRecord> {
  const { signal } = contents;
  signal?.throwIfAborted();
  const files = await writeTogether(folder, runFiles.record, async (beside) => {
    const model = await modelFiles(contents);
    signal?.throwIfAborted();
    // Each file waits for the disk: together they wait once.
    const written = await settled([
      writeWeights(beside, contents),
      writeFiles(beside, model),
      writeFiles(beside, textFiles(contents)),
    ]);
    signal?.throwIfAborted();
    const all: RunFiles = Object.assign({}, ...written);
    await writeRecord(beside, contents, all);
    return all;
  });
  await removeOld(folder, files);
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

/** Removes what an earlier run left that the new one has not; its corrections stay. */
async function removeOld(folder: string, files: RunFiles): Promise<void> {
  const kept: readonly string[] = [runFiles.record, runFiles.corrections, ...Object.keys(files)];
  const known = [...Object.values(runFiles), ...earlierRunFiles];
  for (const name of known.filter((one) => !kept.includes(one))) {
    await rm(join(folder, name), { force: true }).catch(() => {});
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
  const { head, classes, calibration, image } = record;
  const temperature = calibration?.temperature;
  const metadata = {
    head: head.name,
    ...(image ? { resize: image.resize, fit: image.fit ?? 'stretch' } : {}),
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
