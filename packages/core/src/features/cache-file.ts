import { setImmediate } from 'node:timers/promises';
import { defaultDirectories } from '../base/directories.ts';
import { HeadstartError } from '../base/errors.ts';
import type { LongOperationOptions } from '../base/operation.ts';
import {
  SafetensorsFile,
  type TensorEntry,
  type TensorToWrite,
  writeSafetensors,
} from '../base/safetensors.ts';
import { type FeatureCache, openFeatureCache } from './cache.ts';
import { type CacheFolderOptions, entriesOf } from './cache-content.ts';
import type { CacheMerge } from './cache-merge.ts';
import { type ExtractorDescription, isDigestOf, keyBytes } from './key.ts';
import type { PackFolder } from './pack-folder.ts';
import {
  type CacheRecord,
  encodeRecords,
  layoutOf,
  numbersOf,
  type RecordLayout,
  recordChecksum,
} from './record.ts';

export interface CacheFileOptions extends CacheFolderOptions {
  /** A safetensors file. */
  readonly file: string;
}

/** What `cache export --json` prints. */
export interface CacheExport {
  readonly cache: string;
  readonly file: string;
  readonly records: number;
  /** Damaged records, which were left out. */
  readonly damaged: number;
}

/** Records of one extractor, shape and type: a table of the file. */
interface Group {
  readonly folder: PackFolder;
  readonly layout: RecordLayout;
  readonly numbers: number[];
  /** That each record says it has, and that was right when it was read. */
  readonly checksums: number[];
}

const rowsAtOnce = 64;
const formatKey = 'headstart_cache';
const format = '1';

/**
 * Writes all records of a cache to one safetensors file, with their keys. For each extractor, shape
 * and type there are three tensors: `features.I` F16 or F32 [N, …], `keys.I` U8 [N, 64], and
 * `checksums.I` U8 [N, 4], the CRC-32 of each record as it lies in a cache, little-endian; metadata
 * `extractors` describes what the first 16 bytes of keys stand for. Rows are streamed; the file is
 * written whole or not at all.
 *
 * @throws HeadstartError `CACHE_UNUSABLE`, `OUTPUT_UNWRITABLE`; `signal.reason` where aborted
 * @example
 * ```ts
 * await exportCache({ file: 'features.safetensors' });
 * ```
 */
export async function exportCache(options: CacheFileOptions): Promise<CacheExport> {
  const dir = options.cacheDir ?? defaultDirectories().cacheDir;
  await using cache = await openFeatureCache({ dir, readOnly: true });
  const { groups, damaged } = await groupRecords(cache, options);
  const records = groups.reduce((sum, { numbers }) => sum + numbers.length, 0);
  let done = 0;
  const rows = async function* ({ folder, numbers, checksums }: Group): AsyncGenerator<Uint8Array> {
    for (const [row, i] of numbers.entries()) {
      const record = folder.find(folder.key(i));
      if (!record || recordChecksum(record) !== checksums[row]) throw lost(dir);
      yield numbersOf(record);
      if (++done % rowsAtOnce !== 0) continue;
      options.signal?.throwIfAborted();
      options.onProgress?.({ stage: 'exporting', done, total: records, unit: 'records' });
      await setImmediate();
    }
  };
  const tensors: Record<string, TensorToWrite> = {};
  groups.forEach((group, g) => {
    const { layout, numbers } = group;
    const dtype = layout.dtype === 'float16' ? 'F16' : 'F32';
    const shape = [numbers.length, ...layout.shape];
    tensors[`features.${g}`] = { dtype, shape, data: rows(group) };
  });
  groups.forEach((group, g) => {
    const { folder, numbers } = group;
    const count = numbers.length;
    const keys = Buffer.concat(numbers.map((i) => folder.key(i)));
    const checksums = Buffer.alloc(4 * count);
    group.checksums.forEach((checksum, row) => {
      checksums.writeUInt32LE(checksum, 4 * row);
    });
    tensors[`keys.${g}`] = { dtype: 'U8', shape: [count, keyBytes], data: keys };
    tensors[`checksums.${g}`] = { dtype: 'U8', shape: [count, 4], data: checksums };
  });
  const descriptions = cache
    .folders()
    .map((folder) => [folder.digest.toString('hex'), folder.description()]);
  const extractors = JSON.stringify(Object.fromEntries(descriptions));
  await writeSafetensors(options.file, tensors, { [formatKey]: format, extractors });
  return { cache: dir, file: options.file, records, damaged };
}

async function groupRecords(
  cache: FeatureCache,
  options: LongOperationOptions,
): Promise<{ groups: Group[]; damaged: number }> {
  const groups = new Map<string, Group>();
  let damaged = 0;
  for await (const { folder, i } of entriesOf(cache, 'checking', options)) {
    const record = folder.find(folder.key(i));
    if (!record) {
      damaged++;
      continue;
    }
    const layout = layoutOf(record);
    const name = `${folder.path} ${layout.dtype} ${layout.shape}`;
    const group = groups.get(name) ?? { folder, layout, numbers: [], checksums: [] };
    groups.set(name, group);
    group.numbers.push(i);
    group.checksums.push(recordChecksum(record));
  }
  return { groups: [...groups.values()], damaged };
}

/**
 * Adds the records of a file of {@link exportCache} that are not there. Each is compared with its
 * checksum. What was added is kept when it is interrupted; the same call goes on from there.
 *
 * @throws HeadstartError `CACHE_UNUSABLE`, `FEATURE_FILE_INVALID`; `signal.reason` where aborted
 * @example
 * ```ts
 * const { added } = await importCache({ file: 'features.safetensors' });
 * ```
 */
export async function importCache(options: CacheFileOptions): Promise<CacheMerge> {
  const dir = options.cacheDir ?? defaultDirectories().cacheDir;
  await using file = await SafetensorsFile.open(options.file);
  const tables = tablesOf(file);
  const extractors = extractorsOf(file);
  await using cache = await openFeatureCache({ dir });
  cache.addExtractors(extractors);
  const counts = { added: 0, present: 0, damaged: 0 };
  const total = tables.reduce((sum, { count }) => sum + count, 0);
  let done = 0;
  for (const table of tables) {
    for (let first = 0; first < table.count; first += rowsAtOnce) {
      options.signal?.throwIfAborted();
      const count = Math.min(rowsAtOnce, table.count - first);
      addRows(cache, await readRows(file, table, first, count), counts);
      done += count;
      options.onProgress?.({ stage: 'importing', done, total, unit: 'records' });
    }
  }
  return { cache: dir, ...counts };
}

interface Table {
  readonly count: number;
  readonly layout: RecordLayout;
  readonly features: TensorEntry;
  readonly keys: TensorEntry;
  readonly checksums: TensorEntry;
}

interface Row extends CacheRecord {
  readonly checksum: number;
}

function addRows(
  cache: FeatureCache,
  rows: readonly Row[],
  counts: { added: number; present: number; damaged: number },
): void {
  const missing = rows.filter(({ key }) => !cache.find(key));
  const whole = missing.filter((row) => recordChecksum(encodeRecords([row])) === row.checksum);
  cache.putBatch(whole);
  counts.added += whole.length;
  counts.present += rows.length - missing.length;
  counts.damaged += missing.length - whole.length;
}

async function readRows(
  file: SafetensorsFile,
  { features, keys, checksums, layout }: Table,
  first: number,
  count: number,
): Promise<Row[]> {
  const part = async ({ begin, end, shape }: TensorEntry) => {
    const size = (end - begin) / (shape[0] as number);
    const bytes = await file.read(begin + first * size, begin + (first + count) * size);
    return (i: number) => bytes.slice(i * size, (i + 1) * size);
  };
  const [row, key, checksum] = [await part(features), await part(keys), await part(checksums)];
  return Array.from({ length: count }, (_, i) => {
    const own = Buffer.from(key(i));
    const bytes = row(i).buffer;
    const numbers = layout.dtype === 'float16' ? new Uint16Array(bytes) : new Float32Array(bytes);
    const expected = Buffer.from(checksum(i)).readUInt32LE(0);
    return { ...layout, key: own, row: numbers, checksum: expected };
  });
}

function tablesOf({ path, header }: SafetensorsFile): Table[] {
  const version = header.metadata[formatKey];
  if (version !== format) {
    const what =
      version === undefined
        ? 'it was not written by `exportCache()`'
        : `it has format ${version}, which a newer version of Headstart made`;
    throw invalid(path, what);
  }
  const tables: Table[] = [];
  for (let g = 0; header.tensors.has(`features.${g}`); g++) {
    const features = header.tensors.get(`features.${g}`) as TensorEntry;
    const [count = 0, ...shape] = features.shape;
    const beside = (name: string, width: number) => {
      const entry = header.tensors.get(`${name}.${g}`);
      const right = entry?.dtype === 'U8' && `${entry.shape}` === `${[count, width]}`;
      if (entry && right) return entry;
      throw invalid(path, `its tensor "${name}.${g}" is missing or not U8 [${count}, ${width}]`);
    };
    if (features.dtype !== 'F16' && features.dtype !== 'F32') {
      throw invalid(path, `its tensor "features.${g}" is ${features.dtype}, not F16 or F32`);
    }
    const dtype = features.dtype === 'F16' ? 'float16' : 'float32';
    const [keys, checksums] = [beside('keys', keyBytes), beside('checksums', 4)];
    tables.push({ count, layout: { shape, dtype }, features, keys, checksums });
  }
  return tables;
}

function extractorsOf({ path, header }: SafetensorsFile): Map<string, ExtractorDescription> {
  try {
    const json: Record<string, ExtractorDescription> = JSON.parse(header.metadata.extractors ?? '');
    return new Map(Object.entries(json).filter(([digest, one]) => isDigestOf(digest, one)));
  } catch {
    throw invalid(path, 'its metadata "extractors" is not a JSON object of descriptions');
  }
}

function invalid(path: string, what: string): HeadstartError {
  return new HeadstartError('FEATURE_FILE_INVALID', `${path} is not an exported cache: ${what}.`);
}

function lost(dir: string): HeadstartError {
  return new HeadstartError(
    'CACHE_UNUSABLE',
    `A record of the cache ${dir} was damaged while it was exported: run the command again.`,
  );
}
