import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { HeadstartError } from '../base/errors.ts';
import type { OperationOptions } from '../base/operation.ts';
import { SafetensorsFile, type TensorEntry, writeSafetensors } from '../base/safetensors.ts';
import { type FeatureFileDescription, featuresEntry, readDescription } from './file-description.ts';
import {
  type ChunkOptions,
  type FeatureDtype,
  type FeatureRows,
  type FeatureSet,
  rowLength,
  rowsPerChunk,
} from './set.ts';

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
  const { entry, dtype } = featuresEntry(file);
  const [count = 0, ...shape] = entry.shape;
  const { samples, ...description } = await readDescription(file, count);
  const chunks = (options?: ChunkOptions) => readRows(path, entry, { shape, dtype }, options);
  const converted = entry.dtype === 'BF16';
  const set: FeatureSet = {
    shape,
    dtype,
    classes: description.classes,
    samples,
    rowCount: count,
    file: converted ? undefined : { path, offset: entry.begin },
    chunks,
  };
  return { set, ...description };
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
