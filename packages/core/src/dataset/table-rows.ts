import { statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { HeadstartError, reasonOf, systemCode } from '../base/errors.ts';
import { readRegularFile } from '../base/regular-file.ts';
import { textOf } from '../base/text.ts';
import { csvRows } from './csv.ts';

export interface TableRow {
  /** Of the file, from 1. */
  readonly line: number;
  /** By column. Of JSON, a value may be anything. */
  readonly values: readonly unknown[];
}

export interface TableRows {
  readonly columns: readonly string[];
  readonly rows: readonly TableRow[];
}

/** Whether a path is that of a table of images: by its name, unless a folder is called so. */
export function isTable(path: string): boolean {
  if (!['.csv', '.tsv', '.jsonl'].includes(extname(path).toLowerCase())) return false;
  try {
    return !statSync(path).isDirectory();
  } catch {
    return true;
  }
}

/** Whether there is a folder, or a table of images. */
export async function isFolderOrTable(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() || (found?.isFile() === true && isTable(path));
}

/** The refusal of a table, or of one of its lines. */
export function tableError(path: string, what: string, line?: number, cause?: unknown) {
  const where = line === undefined ? `The table ${path}` : `${path}, line ${line}`;
  const text = `${where}${line === undefined ? ' ' : ': '}${what}.`;
  return new HeadstartError('DATA_LAYOUT', text, { cause });
}

/**
 * Reads a table: CSV with commas or semicolons, TSV, or JSON Lines.
 *
 * @throws HeadstartError `DATA_LAYOUT`, which names the file, and the line where one is wrong
 */
export async function readRows(path: string): Promise<TableRows> {
  const text = await readText(path);
  const kind = extname(path).toLowerCase();
  return kind === '.jsonl'
    ? jsonRows(path, text)
    : delimitedRows(path, text, delimiterOf(kind, text));
}

async function readText(path: string): Promise<string> {
  let bytes: Buffer;
  try {
    bytes = await readRegularFile(path);
  } catch (error) {
    const why =
      systemCode(error) === 'ENOENT' ? 'is not there' : `cannot be read: ${reasonOf(error)}`;
    throw tableError(path, why, undefined, error);
  }
  try {
    return textOf(bytes);
  } catch (error) {
    throw tableError(path, 'is not text in UTF-8 or UTF-16: save it as UTF-8', undefined, error);
  }
}

/** Spreadsheets write semicolons where the comma is the decimal point. */
function delimiterOf(kind: string, text: string): string {
  if (kind === '.tsv') return '\t';
  const [header = ''] = text.trimStart().split(/[\r\n]/, 1);
  const count = (delimiter: string) => header.split(delimiter).length;
  return [',', ';', '\t'].reduce((best, one) => (count(one) > count(best) ? one : best));
}

function delimitedRows(path: string, text: string, delimiter: string): TableRows {
  const refuse = (line: number, error: unknown) =>
    tableError(path, 'the quotes are not valid in CSV', line, error);
  const [header, ...rows] = csvRows(text, refuse, delimiter);
  if (!header) throw tableError(path, 'is empty: its first line must name the columns');
  const columns = header.record.map((name) => name.trim());
  const name = delimiter === ',' ? 'comma' : delimiter === ';' ? 'semicolon' : 'tab';
  for (const { record, line } of rows) {
    if (record.length === columns.length) continue;
    const found = `there are ${record.length} values for ${columns.length} columns`;
    throw tableError(path, `${found}: a value with a ${name} in it needs quotes`, line);
  }
  return { columns, rows: rows.map(({ record, line }) => ({ line, values: record })) };
}

function jsonRows(path: string, text: string): TableRows {
  const objects: { readonly line: number; readonly value: Readonly<Record<string, unknown>> }[] =
    [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    objects.push({ line: i + 1, value: jsonObject(path, line, i + 1) });
  }
  if (objects.length === 0) throw tableError(path, 'is empty: each line must be an object');
  const columns = [...new Set(objects.flatMap(({ value }) => Object.keys(value)))];
  const rows = objects.map(({ line, value }) => ({
    line,
    values: columns.map((name) => (Object.hasOwn(value, name) ? value[name] : undefined)),
  }));
  return { columns, rows };
}

function jsonObject(path: string, text: string, line: number): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw tableError(path, `it is not JSON (${reasonOf(error)})`, line, error);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw tableError(path, 'it must hold an object: {"path": "a.jpg", "label": "apple"}', line);
}
