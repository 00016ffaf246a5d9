import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { checkWritable, writeFileAtomically } from '../base/atomic-file.ts';
import { csvText } from '../base/csv.ts';
import { HeadstartError, reasonOf, systemCode } from '../base/errors.ts';
import { readRegularFile } from '../base/regular-file.ts';
import { csvRows } from './csv.ts';

const actions = ['keep', 'relabel', 'remove', 'remove-from-training'] as const;

/**
 * - `keep`: somebody looked at it and its label is right; nothing changes.
 * - `relabel`: its class is another.
 * - `remove`: it is left out.
 * - `remove-from-training`: its copies in the training folder are left out, or in a folder without
 *   parts; those for validation and test stay.
 */
export type CorrectionAction = (typeof actions)[number];

/** What is to be done about the images of one content. */
export interface Correction {
  /** SHA-256 of the image file, in hexadecimal. It alone decides which images are meant. */
  readonly hash: string;
  /** Where the image was when the correction was made: for people. */
  readonly file: string;
  readonly action: CorrectionAction;
  /** The new class of `relabel`; else empty. */
  readonly label: string;
}

/** A correction that was read from a file. */
export interface ReadCorrection extends Correction {
  readonly line: number;
}

/** A file of corrections. */
export interface Corrections {
  /** As the user named it. */
  readonly path: string;
  /** Of the file's bytes. */
  readonly sha256: string;
  /** In the file's order. */
  readonly byHash: ReadonlyMap<string, ReadCorrection>;
}

/** What changes the labels of a folder's images. */
export interface CorrectionOptions {
  /** A file of corrections (CSV with the header `hash,file,action,label`). */
  readonly corrections?: string | undefined;
}

const columns = ['hash', 'file', 'action', 'label'] as const;
const header = columns.join(',');

/**
 * Reads a file of corrections: CSV with the header `hash,file,action,label`.
 *
 * @throws HeadstartError `CORRECTIONS_INVALID`, which names the file and the line
 */
export async function readCorrections(path: string): Promise<Corrections> {
  const bytes = await readBytes(path);
  const byHash = new Map<string, ReadCorrection>();
  for (const correction of parseCorrections(path, bytes)) {
    const before = byHash.get(correction.hash);
    if (before && !sameOutcome(before, correction)) {
      throw invalid(
        path,
        correction.line,
        `${shown(correction)} is to be ${outcome(correction)} here and ${outcome(before)} in line ${before.line}: keep one of the two`,
      );
    }
    if (!before) byHash.set(correction.hash, correction);
  }
  return { path, sha256: createHash('sha256').update(bytes).digest('hex'), byHash };
}

/** The corrections that options name, if they name any. */
export async function openCorrections({
  corrections,
}: CorrectionOptions): Promise<Corrections | undefined> {
  return corrections === undefined ? undefined : readCorrections(corrections);
}

/**
 * Writes corrections to a file, whole or not at all. What the file already holds stays, but of a
 * content that is named again the new word counts. Calls of one process for the same file follow one
 * another, so that none undoes another's.
 *
 * @returns all that is in the file now
 * @throws HeadstartError `CORRECTIONS_INVALID` where what is there is no file of corrections, or
 *   what is to be written is none; the file is then left as it is; `OUTPUT_UNWRITABLE`
 */
export function writeCorrections(
  path: string,
  corrections: Iterable<Correction>,
): Promise<readonly Correction[]> {
  const added = [...corrections];
  const place = resolve(path);
  const written = (writes.get(place) ?? Promise.resolve()).then(() => merge(path, added));
  const settled = written.then(
    () => {},
    () => {},
  );
  writes.set(place, settled);
  void settled.then(() => {
    if (writes.get(place) === settled) writes.delete(place);
  });
  return written;
}

/**
 * Finds out before long work whether {@link writeCorrections} can write to a file.
 *
 * @throws HeadstartError as it does
 */
export async function checkCorrectionsWritable(path: string): Promise<void> {
  await checkWritable(path);
  await readExisting(path);
}

/** The last write of each file that is under way. */
const writes = new Map<string, Promise<void>>();

async function merge(path: string, added: readonly Correction[]): Promise<readonly Correction[]> {
  const merged = new Map<string, Correction>((await readExisting(path))?.byHash);
  for (const { hash, file, action, label } of added) {
    const row = { hash, file, action, label: action === 'relabel' ? label : '' };
    const wrong = whatIsWrong(row);
    if (wrong !== undefined) {
      throw new HeadstartError(
        'CORRECTIONS_INVALID',
        `A correction for ${path} is not valid: ${wrong}.`,
      );
    }
    merged.set(hash.toLowerCase(), { ...row, hash: hash.toLowerCase() });
  }
  const rows = [...merged.values()].map((row) => columns.map((column) => row[column]));
  await writeFileAtomically(path, `${header}\n${csvText(rows)}`);
  return [...merged.values()];
}

async function readExisting(path: string): Promise<Corrections | undefined> {
  try {
    return await readCorrections(path);
  } catch (error) {
    if (systemCode((error as Error).cause) === 'ENOENT') return undefined;
    throw error;
  }
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readRegularFile(path);
  } catch (error) {
    throw new HeadstartError(
      'CORRECTIONS_INVALID',
      `Cannot read the corrections ${path}: ${reasonOf(error)}. Give a CSV file as \`auditLabels()\` writes it.`,
      { cause: error },
    );
  }
}

function parseCorrections(path: string, bytes: Buffer): ReadCorrection[] {
  const [first, ...rows] = csvRows(bytes, (line, error) =>
    invalid(path, line, 'the quotes are not valid in CSV', error),
  );
  if (first?.record.join(',') !== header) {
    throw invalid(path, first?.line ?? 1, `the header must be ${header}`);
  }
  return rows.map(({ record, line }) => correctionOf(path, record, line));
}

function correctionOf(path: string, record: readonly string[], line: number): ReadCorrection {
  const wrong = (what: string) => invalid(path, line, what);
  if (record.length !== columns.length) {
    throw wrong(`there are ${record.length} values, not the 4 of ${header}`);
  }
  const [hash = '', file = '', action = '', label = ''] = record;
  const problem = whatIsWrong({ hash, action, label });
  if (problem !== undefined) throw wrong(problem);
  return { hash: hash.toLowerCase(), file, action: action as CorrectionAction, label, line };
}

/** What keeps values from being a correction; undefined where nothing does. */
function whatIsWrong(values: {
  readonly hash: string;
  readonly action: string;
  readonly label: string;
}): string | undefined {
  const { hash, action, label } = values;
  if (!/^[0-9a-f]{64}$/i.test(hash)) {
    return `"${hash}" is not a SHA-256 of a file (64 hexadecimal digits)`;
  }
  if (!(actions as readonly string[]).includes(action)) {
    return `"${action}" is not an action: it must be keep, relabel, remove or remove-from-training`;
  }
  if (action === 'relabel' && label === '') return 'relabel needs a label';
  if (action !== 'relabel' && label !== '') return `${action} takes no label ("${label}")`;
  return undefined;
}

/** The refusal of one line of a file of corrections. */
export function invalid(path: string, line: number, what: string, cause?: unknown): HeadstartError {
  return new HeadstartError('CORRECTIONS_INVALID', `${path}, line ${line}: ${what}.`, { cause });
}

function sameOutcome(a: Correction, b: Correction): boolean {
  return a.action === b.action && a.label === b.label;
}

function outcome({ action, label }: Correction): string {
  if (action === 'relabel') return `relabelled ${label}`;
  if (action === 'keep') return 'kept';
  return action === 'remove' ? 'removed' : 'removed from training';
}

function shown({ file, hash }: Correction): string {
  return file === '' ? hash : file;
}
