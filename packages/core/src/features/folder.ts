import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../base/atomic-file.ts';
import { HeadstartError, systemCode } from '../base/errors.ts';

/**
 * Of the folder as a whole; LMDB's own format and that of the records have versions of theirs.
 * Format 1 has its data in the folder itself, format 2 in a folder of that, which `cache gc` makes
 * anew each time: `{"headstartFeatureCache": 2, "data": "data-3"}`.
 */
const newestFormat = 2;
const formatFile = 'format.json';
const dataPrefix = 'data-';
const dataFolder = /^data-[1-9]\d{0,8}$/;

/** The data folder, relative to the cache's: the empty text for format 1. */
export type DataName = string;

/**
 * Where in a cache folder the data are; undefined where there is no cache.
 *
 * @throws HeadstartError `CACHE_UNUSABLE`; the file system's error where it cannot be read
 */
export function readDataName(dir: string): DataName | undefined {
  const { version, data } = readFormat(dir);
  if (version === 'missing') return undefined;
  if (data !== undefined) return data;
  if (version === 'damaged') {
    throw new HeadstartError(
      'CACHE_UNUSABLE',
      `Cannot use the feature cache ${dir}: ${join(dir, formatFile)} is damaged. Mend it with \`headstart cache repair\`, or delete the folder.`,
    );
  }
  throw new HeadstartError(
    'CACHE_UNUSABLE',
    `Cannot use the feature cache ${dir}: it has format ${version}, which a newer version of Headstart made; this one knows ${newestFormat}. Choose another folder with --cache-dir.`,
  );
}

interface FormatFile {
  readonly version: number | 'missing' | 'damaged';
  /** Defined for the formats that are known. */
  readonly data?: DataName | undefined;
}

/** What a cache folder says of itself. */
export function readFormat(dir: string): FormatFile {
  let text: string;
  try {
    text = readFileSync(join(dir, formatFile), 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return { version: 'missing' };
    throw error;
  }
  const { version, data } = parse(text);
  if (version === 1) return { version, data: '' };
  if (version === 2 && data !== undefined && dataFolder.test(data)) return { version, data };
  if (version === undefined || version <= newestFormat) return { version: 'damaged' };
  return { version };
}

/** All data of a cache folder, also those that nobody uses any more. */
export function listData(dir: string): DataName[] {
  const names = readdirSync(dir).filter((name) => dataFolder.test(name));
  return ['', ...names].filter((data) => existsSync(dataFile(dir, data)));
}

/** Removes data that are the cache's no more. What others still have open goes when they close it. */
export async function removeData(dir: string, data: DataName): Promise<void> {
  if (data !== '') return rm(join(dir, data), { recursive: true, force: true });
  for (const name of ['data.mdb', 'lock.mdb']) await rm(join(dir, name), { force: true });
}

/** Makes a folder a cache with nothing in it, of the oldest format that does. */
export function writeFirstFormat(dir: string): Promise<void> {
  return writeFileAtomically(
    join(dir, formatFile),
    `${JSON.stringify({ headstartFeatureCache: 1 })}\n`,
  );
}

/** Makes other data those of the cache, at once for everyone who opens it. */
export function switchData(dir: string, data: DataName): void {
  const temporary = join(dir, `.${formatFile}.${process.pid}.tmp`);
  const fd = openSync(temporary, 'w');
  try {
    writeSync(fd, `${JSON.stringify({ headstartFeatureCache: 2, data })}\n`);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, join(dir, formatFile));
}

/** A name for data that are not there yet. */
export function newDataName(dir: string): DataName {
  const numbers = listData(dir).map((data) => Number(data.slice(dataPrefix.length) || 0));
  return `${dataPrefix}${Math.max(0, ...numbers) + 1}`;
}

export function dataFile(dir: string, data: DataName): string {
  return join(dir, data, 'data.mdb');
}

function parse(text: string): { version?: number; data?: string } {
  try {
    const { headstartFeatureCache: version, data } = JSON.parse(text);
    return {
      ...(Number.isInteger(version) ? { version } : {}),
      ...(typeof data === 'string' ? { data } : {}),
    };
  } catch {
    return {};
  }
}
