import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { HeadstartError } from '../base/errors.ts';
import type { OperationOptions } from '../base/operation.ts';
import { SafetensorsFile, type TensorEntry, writeSafetensors } from '../base/safetensors.ts';
import type { Fit, ResizeMethod } from '../image/index.ts';
import { type Kind, resizeOptions } from '../options/index.ts';
import {
  type ChunkOptions,
  type FeatureDtype,
  type FeatureRows,
  type FeatureSet,
  rowLength,
  rowsPerChunk,
} from './set.ts';

/** What a feature file holds besides the numbers. */
export interface FeatureFileDescription {
  readonly classes: readonly string[];
  /** Which backbone made the features: by this program, its name and the SHA-256 of its file. */
  readonly backbone?: string | undefined;
  /** How images were brought to the backbone's size. */
  readonly resize?: ResizeMethod | undefined;
  readonly fit?: Fit | undefined;
}

export interface FeatureFile extends FeatureFileDescription {
  readonly set: FeatureSet;
}

/**
 * Writes a set as safetensors: `features` F32 or F16 [N, h, w, c] or [N, D], `labels` I64 [N],
 * metadata `classes`, `paths` and, where there are some, `groups` (JSON arrays), `backbone`, `resize` and
 * `fit`. Each sample's first row is written: its plain image. Rows are streamed; the file is written whole or not at all.
 *
 * @throws HeadstartError `OUTPUT_UNWRITABLE`; `signal.reason` where aborted
 * @example
 * ```ts
 * const { set, classes } = await readFeatureFile('fruit.safetensors');
 * await writeFeatureFile('copy.safetensors', set, { classes });
 * ```
 */
export async function writeFeatureFile(
  path: string,
  set: FeatureSet,
  description: FeatureFileDescription,
  options: OperationOptions = {},
): Promise<void> {
  const { classes, backbone, resize, fit } = description;
  const rows = set.samples.map(({ rows: [first], name }) => {
    if (first !== undefined) return first;
    throw new HeadstartError('USAGE', `The sample ${name} has no features that could be written.`);
  });
  const labels = BigInt64Array.from(set.samples, ({ label }) => BigInt(label));
  const metadata: Record<string, string> = {
    classes: JSON.stringify(classes),
    paths: JSON.stringify(set.samples.map(({ name }) => name)),
  };
  if (set.samples.some(({ group }) => group !== undefined)) {
    metadata.groups = JSON.stringify(set.samples.map(({ group }) => group ?? null));
  }
  for (const [name, value] of Object.entries({ backbone, resize, fit })) {
    if (value !== undefined) metadata[name] = value;
  }
  await writeSafetensors(
    path,
    {
      features: {
        dtype: set.dtype === 'float16' ? 'F16' : 'F32',
        shape: [rows.length, ...set.shape],
        data: bytesOf(set.chunks({ ...options, rows })),
      },
      labels: { dtype: 'I64', shape: [rows.length], data: new Uint8Array(labels.buffer) },
    },
    metadata,
  );
}

async function* bytesOf(chunks: AsyncIterable<FeatureRows>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
}

/**
 * Opens a feature file, also one written by Python's safetensors: features F32, F16, or BF16, which
 * is read as float32 (all of its numbers are); labels of any integer type; without metadata classes are called `0`, `1`, … and samples `sample 0`, …. Only the header
 * and the labels are read here; rows are read from the file when they are asked for.
 *
 * @throws HeadstartError `FEATURE_FILE_INVALID` naming the file and what is wrong with it
 * @example
 * ```ts
 * const { set, classes } = await readFeatureFile('fruit.safetensors');
 * console.log(classes, set.samples.length, set.shape);
 * ```
 */
export async function readFeatureFile(path: string): Promise<FeatureFile> {
  await using file = await SafetensorsFile.open(path);
  const { metadata } = file.header;
  const { entry, dtype } = featuresEntry(file);
  const [count = 0, ...shape] = entry.shape;
  const labels = await readLabels(file, count);
  const classes = readNames(file, 'classes') ?? numberedClasses(path, labels);
  checkLabels(path, labels, classes);
  const paths = readNames(file, 'paths', count);
  const groups = readTexts(file, 'groups', isTextOrNull, count);
  const samples = labels.map((label, i) => ({
    name: paths?.[i] ?? `sample ${i}`,
    label,
    group: groups?.[i] ?? undefined,
    rows: [i],
  }));
  const chunks = (options?: ChunkOptions) => readRows(path, entry, { shape, dtype }, options);
  const converted = entry.dtype === 'BF16';
  const set: FeatureSet = {
    shape,
    dtype,
    classes,
    samples,
    rowCount: count,
    file: converted ? undefined : { path, offset: entry.begin },
    chunks,
  };
  const { backbone } = metadata;
  const resize = knownWord(file, 'resize', resizeOptions.resize.kind);
  const fit = knownWord(file, 'fit', resizeOptions.fit.kind);
  return {
    set,
    classes,
    ...(backbone === undefined ? {} : { backbone }),
    ...(resize === undefined ? {} : { resize }),
    ...(fit === undefined ? {} : { fit }),
  };
}

/** Opened again for each pass, so that a set holds no file open between uses. */
async function* readRows(
  path: string,
  entry: TensorEntry,
  { shape, dtype }: { shape: readonly number[]; dtype: FeatureDtype },
  { rows, signal }: ChunkOptions = {},
): AsyncGenerator<FeatureRows> {
  await using file = await SafetensorsFile.open(path);
  const length = rowLength(shape);
  const rowBytes = length * (entry.dtype === 'F32' ? 4 : 2);
  const perChunk = rowsPerChunk(rowBytes);
  const count = rows?.length ?? (entry.shape[0] as number);
  const memory = new ArrayBuffer(Math.min(count, perChunk) * rowBytes);
  for (let first = 0; first < count; first += perChunk) {
    signal?.throwIfAborted();
    const end = Math.min(count, first + perChunk);
    for (const run of consecutiveRuns(first, end, rows)) {
      const part = new Uint8Array(memory, (run.at - first) * rowBytes, run.count * rowBytes);
      await file.readInto(part, entry.begin + run.row * rowBytes);
    }
    const numbers = (end - first) * length;
    if (entry.dtype === 'BF16') yield fromBfloat16(new Uint16Array(memory, 0, numbers));
    else if (dtype === 'float16') yield new Uint16Array(memory, 0, numbers);
    else yield new Float32Array(memory, 0, numbers);
  }
}

/** The upper half of a float32 is a bfloat16. */
function fromBfloat16(values: Uint16Array): Float32Array {
  const floats = new Float32Array(values.length);
  const bits = new Uint32Array(floats.buffer);
  values.forEach((value, i) => {
    bits[i] = value << 16;
  });
  return floats;
}

interface Run {
  readonly at: number;
  readonly row: number;
  count: number;
}

/** Places `[first, end)` as runs of rows that follow one another in the file. */
function consecutiveRuns(first: number, end: number, rows: readonly number[] | undefined): Run[] {
  if (!rows) return [{ at: first, row: first, count: end - first }];
  const runs: Run[] = [];
  for (let at = first; at < end; at++) {
    const row = rows[at] as number;
    const last = runs.at(-1);
    if (last && last.row + last.count === row) last.count++;
    else runs.push({ at, row, count: 1 });
  }
  return runs;
}

function featuresEntry(file: SafetensorsFile): { entry: TensorEntry; dtype: FeatureDtype } {
  const { path, header } = file;
  const entry = header.tensors.get('features');
  if (!entry) {
    const names = [...header.tensors.keys()].slice(0, 5).join(', ') || 'none';
    throw invalid(path, `it has no tensor "features" (its tensors: ${names})`);
  }
  const [, ...shape] = entry.shape;
  if ((shape.length !== 1 && shape.length !== 3) || shape.includes(0)) {
    throw invalid(
      path,
      `its features have shape [${entry.shape.join(', ')}], not [N, D] or [N, height, width, channels]`,
    );
  }
  if (entry.dtype === 'F16') return { entry, dtype: 'float16' };
  if (entry.dtype === 'F32' || entry.dtype === 'BF16') return { entry, dtype: 'float32' };
  throw invalid(path, `its features are ${entry.dtype}: save them as F32, F16 or BF16`);
}

async function readLabels(file: SafetensorsFile, count: number): Promise<number[]> {
  const { path, header } = file;
  const entry = header.tensors.get('labels');
  if (!entry) throw invalid(path, 'it has no tensor "labels"');
  if (entry.shape.length !== 1 || entry.shape[0] !== count) {
    throw invalid(path, `its labels have shape [${entry.shape.join(', ')}], not [${count}]`);
  }
  const bytes = await file.read(entry.begin, entry.end);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at: Partial<Record<TensorEntry['dtype'], (i: number) => number>> = {
    I64: (i) => Number(view.getBigInt64(i * 8, true)),
    I32: (i) => view.getInt32(i * 4, true),
    I16: (i) => view.getInt16(i * 2, true),
    I8: (i) => view.getInt8(i),
    U8: (i) => view.getUint8(i),
  };
  const read = at[entry.dtype];
  if (!read) throw invalid(path, `its labels are ${entry.dtype}: save them as I64`);
  return Array.from({ length: count }, (_, i) => read(i));
}

/** Metadata that an option may be. */
function knownWord<T>(
  { path, header }: SafetensorsFile,
  key: string,
  { read, expected }: Kind<T>,
): T | undefined {
  const text = header.metadata[key];
  const word = text === undefined ? undefined : read?.(text);
  if (text === undefined || word !== undefined) return word;
  throw invalid(path, `its metadata "${key}" is "${text}", not ${expected}`);
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isTextOrNull = (value: unknown): value is string | null => value === null || isText(value);

function readNames(file: SafetensorsFile, key: string, count?: number): string[] | undefined {
  return readTexts(file, key, isText, count);
}

/** @param count how many there must be */
function readTexts<T>(
  { path, header }: SafetensorsFile,
  key: string,
  isOne: (value: unknown) => value is T,
  count?: number,
): T[] | undefined {
  const text = header.metadata[key];
  if (text === undefined) return undefined;
  let texts: unknown;
  try {
    texts = JSON.parse(text);
  } catch {
    texts = undefined;
  }
  if (!Array.isArray(texts) || !texts.every(isOne)) {
    throw invalid(path, `its metadata "${key}" is not a JSON array of texts`);
  }
  if (count === undefined || texts.length === count) return texts;
  throw invalid(path, `its metadata names ${texts.length} ${key} for ${count} rows`);
}

/** More classes than this are taken for a damaged label, or for numbers that are not labels. */
const mostNumberedClasses = 2 ** 16;

function numberedClasses(path: string, labels: readonly number[]): string[] {
  const largest = labels.reduce((a, b) => Math.max(a, b), -1);
  if (largest >= mostNumberedClasses) {
    throw invalid(
      path,
      `its row ${labels.indexOf(largest)} has the label ${largest}: number classes from 0, or name them in the metadata "classes"`,
    );
  }
  return Array.from({ length: largest + 1 }, (_, i) => `${i}`);
}

function checkLabels(path: string, labels: readonly number[], classes: readonly string[]): void {
  const bad = labels.findIndex((label) => label < 0 || label >= classes.length);
  if (bad < 0) return;
  throw invalid(
    path,
    `its row ${bad} has the label ${labels[bad]}, but there are ${classes.length} classes`,
  );
}

function invalid(path: string, what: string): HeadstartError {
  return new HeadstartError('FEATURE_FILE_INVALID', `${path} is not a feature file: ${what}.`);
}

const pieceBytes = 64 * 1024;
const mostPieces = 256;

/**
 * By what feature files are told apart: SHA-256 of all bytes, or, of a file above 16 MiB, of its size
 * and 256 pieces evenly spread over it, so that files of any size cost the same few milliseconds.
 * Features of another backbone, size or preprocessing differ in every number.
 */
export async function featureFileDigest(path: string): Promise<string> {
  await using file = await open(path);
  const { size } = await file.stat();
  const pieces = Math.min(mostPieces, Math.ceil(size / pieceBytes));
  const step = pieces < mostPieces ? pieceBytes : (size - pieceBytes) / (pieces - 1);
  const hash = createHash('sha256').update(`${size}\n`);
  const piece = Buffer.alloc(pieceBytes);
  for (let i = 0; i < pieces; i++) {
    const { bytesRead } = await file.read(piece, 0, pieceBytes, Math.floor(i * step));
    hash.update(piece.subarray(0, bytesRead));
  }
  return hash.digest('hex');
}
