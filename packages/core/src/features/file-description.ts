import { HeadstartError } from '../base/errors.ts';
import type { SafetensorsFile, TensorEntry } from '../base/safetensors.ts';
import type { Fit, ResizeMethod } from '../image/index.ts';
import { type Kind, resizeOptions } from '../options/index.ts';
import type { FeatureDtype, FeatureSample } from './set.ts';

/** What a feature file holds besides the numbers. */
export interface FeatureFileDescription {
  readonly classes: readonly string[];
  /** Which backbone made the features: by this program, its name and the SHA-256 of its file. */
  readonly backbone?: string | undefined;
  /** How images were brought to the backbone's size. */
  readonly resize?: ResizeMethod | undefined;
  readonly fit?: Fit | undefined;
}

/**
 * Reads what a feature file of `count` rows holds besides the numbers.
 *
 * @throws HeadstartError `FEATURE_FILE_INVALID`
 */
export async function readDescription(
  file: SafetensorsFile,
  count: number,
): Promise<FeatureFileDescription & { readonly samples: FeatureSample[] }> {
  const { path, header } = file;
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
  const { backbone } = header.metadata;
  const resize = knownWord(file, 'resize', resizeOptions.resize.kind);
  const fit = knownWord(file, 'fit', resizeOptions.fit.kind);
  return {
    samples,
    classes,
    ...(backbone === undefined ? {} : { backbone }),
    ...(resize === undefined ? {} : { resize }),
    ...(fit === undefined ? {} : { fit }),
  };
}

/** The tensor of features, and what its numbers are read as. */
export function featuresEntry(file: SafetensorsFile): { entry: TensorEntry; dtype: FeatureDtype } {
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
