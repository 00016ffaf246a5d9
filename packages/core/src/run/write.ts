import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type PendingFile, writeFileAtomically } from '../base/atomic-file.ts';
import { HeadstartError, reasonOf } from '../base/errors.ts';
import type { OperationOptions } from '../base/operation.ts';
import type { SkippedFile } from '../dataset/index.ts';
import { confusionCsv, type Evaluation } from '../evaluate/index.ts';
import { type EpochRecord, type HeadWeights, historyCsv, writeHeadWeights } from '../head/index.ts';
import { renderPng } from '../page/index.ts';
import { curvesSvg } from './curves-plot.ts';
import { evaluationPlots } from './evaluation-plots.ts';
import type { MistakePictures } from './mistake-pictures.ts';
import { type RunFile, type RunRecord, runFiles } from './record.ts';
import { type ReportContents, reportHtml } from './report/report.ts';
import { predictionsCsv, skippedCsv } from './tables.ts';
import { wholeModel } from './whole-model.ts';

export interface RunContents extends OperationOptions {
  readonly record: Omit<RunRecord, 'format' | 'version' | 'files'>;
  readonly weights: HeadWeights;
  readonly history: readonly EpochRecord[];
  /** Of the kept weights, over the whole validation set. */
  readonly evaluation: Evaluation;
  /** SHA-256 of each validation image's file, in order, where they are known. */
  readonly hashes?: readonly (string | undefined)[] | undefined;
  readonly skipped: readonly SkippedFile[];
  /** Of mistakes, by sample name, for the report. */
  readonly pictures?: ReadonlyMap<string, MistakePictures> | undefined;
  /** The backbone's ONNX file; without it there is no `model.onnx`. */
  readonly backbonePath?: string | undefined;
}

/**
 * Writes a run folder. Each file is written whole or not at all, and `run.json` last: a folder
 * without it is unfinished. A run that stood there before is replaced, and counts as unfinished
 * until the new one is complete.
 *
 * @throws HeadstartError `OUTPUT_UNWRITABLE`; `signal.reason` where aborted
 */
export async function writeRun(folder: string, contents: RunContents): Promise<RunRecord> {
  const { signal } = contents;
  signal?.throwIfAborted();
  await removeOld(folder);
  const model = await modelFiles(contents);
  signal?.throwIfAborted();
  // Each file waits for the disk: together they wait once, and plots are drawn meanwhile.
  const drawing = drawPlots(contents);
  const written = await settled([
    writeWeights(folder, contents),
    writeFiles(folder, model),
    writeFiles(folder, textFiles(contents)),
    drawing.then(async (plots) => writeFiles(folder, await plotFiles(plots))),
  ]);
  const plots = await drawing;
  signal?.throwIfAborted();
  const files: RunFiles = Object.assign({}, ...written);
  const report = reportHtml({
    ...contents,
    pictures: contents.pictures ?? new Map(),
    files,
    plots,
  });
  await writeFileAtomically(join(folder, runFiles.report), report);
  files[runFiles.report] = await describeFile(join(folder, runFiles.report));
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

/** As `Promise.all`, but nothing is at work any more where one has failed. */
async function settled<T>(tasks: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(tasks);
  return Promise.all(tasks);
}

type RunFiles = Record<string, RunFile>;

async function writeFiles(
  folder: string,
  files: readonly (readonly [string, string | Uint8Array | readonly Uint8Array[]])[],
): Promise<RunFiles> {
  const written = files.map(async ([name, content]) => {
    const isWhole = typeof content === 'string' || content instanceof Uint8Array;
    await writeFileAtomically(join(folder, name), isWhole ? content : inParts(content));
    return { [name]: await describeFile(join(folder, name)) };
  });
  return Object.assign({}, ...(await settled(written)));
}

function inParts(parts: readonly Uint8Array[]) {
  return async (file: PendingFile) => {
    for (const part of parts) await file.write(part);
  };
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

type Plots = ReportContents['plots'];

async function drawPlots({ record, history, evaluation }: RunContents): Promise<Plots> {
  return {
    curves: await curvesSvg(history, record.result.keptEpoch),
    ...(await evaluationPlots(evaluation, record.classes)),
  };
}

async function plotFiles(plots: Plots): Promise<[string, string | Uint8Array][]> {
  const files = Object.entries(plots).map(
    async ([name, svg]): Promise<[string, string | Uint8Array][]> => [
      [runFiles[`${name as keyof Plots}Plot`], svg],
      [runFiles[`${name as keyof Plots}Picture`], await renderPng(svg)],
    ],
  );
  return (await Promise.all(files)).flat();
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

async function describeFile(path: string): Promise<RunFile> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return { bytes: (await stat(path)).size, sha256: hash.digest('hex') };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
