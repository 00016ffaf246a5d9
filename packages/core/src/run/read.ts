import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { HeadstartError, reasonOf, systemCode } from '../base/errors.ts';
import { readRegularText, statRegularFile } from '../base/regular-file.ts';
import type { Metrics } from '../evaluate/index.ts';
import { checkHeadWeights, type HeadWeights, readHeadWeights } from '../head/index.ts';
import { digestOf } from '../weights/index.ts';
import { earlierRunFiles, type RunFile, type RunRecord, runFiles } from './record.ts';
import { isBeingWritten } from './write-together.ts';

/** A complete run folder. */
export interface Run {
  readonly folder: string;
  readonly record: RunRecord;
}

/**
 * Opens a run folder, wherever it has been moved to, and checks that its files are there and have
 * the sizes they were written with, and the small ones the same bytes; see {@link verifyRun} for all.
 *
 * @throws HeadstartError `RUN_INVALID` naming what is missing or wrong
 * @example
 * ```ts
 * const { record } = await readRun('runs/fruit');
 * console.log(record.classes, record.result.validation.accuracy);
 * ```
 */
export async function readRun(folder: string): Promise<Run> {
  const text = await recordText(folder);
  try {
    return await checkedRun(folder, text);
  } catch {
    // A new run may have taken its place in the meantime, or be about to.
    for (let waited = 0; ; waited += againMs) {
      const waits = waited < replacedWithinMs && (await isBeingWritten(folder));
      const isAnother = (await recordText(folder)) !== text;
      if (isAnother) return readRun(folder);
      // Checked again: an equal run may have come after another one.
      if (!waits) return checkedRun(folder, text);
      await setTimeout(againMs);
    }
  }
}

/** A run is replaced by renaming its files, the record last: on a busy disk that takes a while. */
const replacedWithinMs = 2000;
const againMs = 50;

async function checkedRun(folder: string, text: string): Promise<Run> {
  const record = parseRecord(text, join(folder, runFiles.record));
  for (const [name, { bytes }] of Object.entries(record.files)) {
    const size = await sizeOf(join(folder, name));
    if (size === undefined) throw invalid(`The file ${name} of the run ${folder} is missing`);
    if (size !== bytes) {
      throw invalid(`${join(folder, name)} has ${size} bytes, not the ${bytes} that were written`);
    }
  }
  const run = { folder, record };
  await compareFiles(run, ([, { bytes }]) => bytes <= smallFile);
  return run;
}

/** Bytes of a file that is read at every opening: all but `model.onnx` and large heads. */
const smallFile = 2 ** 20;

/**
 * Checks that every file of a run has the bytes that were written, by the SHA-256 in `run.json`.
 *
 * @throws HeadstartError `RUN_INVALID` naming the file that was changed
 */
export async function verifyRun(run: Run): Promise<void> {
  await compareFiles(run, () => true);
}

async function compareFiles(
  { folder, record }: Run,
  isCompared: (file: [string, RunFile]) => boolean,
): Promise<void> {
  for (const [name, { sha256 }] of Object.entries(record.files).filter(isCompared)) {
    const path = join(folder, name);
    const found = await digestOf(path, 'sha256').catch((error: unknown) => {
      throw invalid(`Cannot read ${path}: ${reasonOf(error)}`, error);
    });
    if (found === sha256) continue;
    throw invalid(
      `${path} was changed since the run was written (its SHA-256 is not the one in ${runFiles.record}): put the file back, or train again`,
    );
  }
}

/**
 * The head's weights of a run.
 *
 * @throws HeadstartError `WEIGHTS_INVALID`; `RUN_INVALID` where they were changed
 */
export async function readRunWeights(run: Run): Promise<HeadWeights> {
  const { folder, record } = run;
  const path = join(folder, runFiles.weights);
  await compareFiles(run, ([name]) => name === runFiles.weights);
  const weights = await readHeadWeights(path);
  checkHeadWeights(weights, record.head.parameters, path);
  return weights;
}

/** The contents of a run's `metrics.json`; undefined where it cannot be read as such. */
export async function readRunMetrics({ folder }: Run): Promise<Metrics | undefined> {
  try {
    const metrics = JSON.parse(await readRegularText(join(folder, runFiles.metrics)));
    const whole = Array.isArray(metrics?.classes) && typeof metrics.macro?.f1 === 'number';
    return whole ? metrics : undefined;
  } catch {
    return undefined;
  }
}

async function recordText(folder: string): Promise<string> {
  try {
    return await readRegularText(join(folder, runFiles.record));
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' && systemCode(error) !== 'ENOTDIR') {
      throw invalid(`Cannot read the run ${folder}: ${reasonOf(error)}`, error);
    }
  }
  const isFolder = await stat(folder).then(
    (found) => found.isDirectory(),
    () => undefined,
  );
  if (isFolder === undefined) throw invalid(`There is no run folder ${folder}`);
  if (!isFolder) throw invalid(`${folder} is a file: name the run's folder`);
  throw invalid(
    `${folder} holds no finished run (there is no ${runFiles.record} in it): train into it first`,
  );
}

function parseRecord(text: string, path: string): RunRecord {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalid(`${path} is not JSON (${reasonOf(error)})`, error);
  }
  const record = json as Partial<RunRecord> | null;
  if (record?.format !== 'headstart-run') throw invalid(`${path} does not describe a run`);
  if (record.version !== 1) {
    throw invalid(`${path} has the version ${record.version}: use the Headstart that wrote it`);
  }
  const isObject = (value: unknown) => typeof value === 'object' && value !== null;
  const wanted = ['arguments', 'classes', 'head', 'data', 'device', 'result', 'timing', 'files'];
  const missing = wanted.find((key) => !isObject(record[key as keyof RunRecord]));
  if (missing !== undefined) throw invalid(`${path} has no "${missing}"`);
  checkInner(record as RunRecord, path);
  return record as RunRecord;
}

/** What is used without another look: class names, the head, and names that could leave the folder. */
function checkInner({ classes, head, files, image, calibration }: RunRecord, path: string): void {
  const names = Array.isArray(classes) && classes.every((name) => typeof name === 'string');
  if (!names || classes.length < 2) throw invalid(`${path} has no list of class names`);
  const lists = [head.layers, head.parameters, head.inputShape].every(Array.isArray);
  if (!lists || head.classes !== classes.length) {
    throw invalid(`${path} describes no head for its ${classes.length} classes`);
  }
  const known = new Set([...Object.values(runFiles), ...earlierRunFiles]);
  for (const [name, file] of Object.entries(files)) {
    if (!known.has(name) || !Number.isSafeInteger(file?.bytes)) {
      throw invalid(`${path} lists the unknown file ${JSON.stringify(name)}`);
    }
  }
  const isSize = (n: unknown) => Number.isSafeInteger(n) && (n as number) > 0;
  if (image && !(isSize(image.height) && isSize(image.width))) {
    throw invalid(`${path} has no image size`);
  }
  const temperature = calibration ? calibration.temperature : 1;
  if (!(Number.isFinite(temperature) && temperature > 0)) {
    throw invalid(`${path} has the temperature ${temperature}, not a number above 0`);
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await statRegularFile(path)).size;
  } catch (error) {
    if (systemCode(error) !== undefined) return undefined;
    throw invalid(`Cannot read ${path}: ${reasonOf(error)}`, error);
  }
}

function invalid(what: string, cause?: unknown): HeadstartError {
  return new HeadstartError('RUN_INVALID', `${what}.`, { cause });
}
