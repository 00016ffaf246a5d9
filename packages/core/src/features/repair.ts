import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { HeadstartError } from '../base/errors.ts';
import type { LongOperationOptions } from '../base/operation.ts';
import { cacheError, noCache } from './cache-error.ts';
import { type Environment, openEnvironment } from './environment.ts';
import {
  type DataName,
  dataFile,
  listData,
  newDataName,
  readDataName,
  readFormat,
  removeData,
  switchData,
} from './folder.ts';
import { type ExtractorDescription, isDigestOf, keyBytes } from './key.ts';
import { DataFile, type Entry } from './lmdb/data-file.ts';
import { salvageEntries } from './lmdb/salvage.ts';
import { isWholeRecord } from './record.ts';
import { lockForRemaking } from './remaking-lock.ts';

export interface RepairOptions extends LongOperationOptions {
  readonly dir: string;
}

const entriesPerBatch = 256;
const digestBytes = 16;
const maxDescriptionBytes = 65536;
const maxRecordBytes = 2 ** 30;
const pageSizes = [4096, 16384];

/**
 * Makes a cache's data anew of all that is whole in its files, whatever became of the trees that
 * lead there: a record's checksum covers its key, so what is found is right. Last uses and what is
 * remembered of files are begun anew.
 *
 * @returns how many records there are now
 * @throws HeadstartError `CACHE_UNUSABLE`; `signal.reason` where aborted, with the cache as it was
 */
export async function repairCache(options: RepairOptions): Promise<{ readonly records: number }> {
  const { dir } = options;
  try {
    const { version, data } = readFormat(dir);
    if (version === 'missing') throw noCache(dir);
    // Of a newer version: says so.
    if (version !== 'damaged' && data === undefined) readDataName(dir);
    return await repair(options);
  } catch (error) {
    if (error instanceof HeadstartError || options.signal?.aborted) throw error;
    throw cacheError(dir, 'write', error);
  }
}

async function repair(options: RepairOptions): Promise<{ readonly records: number }> {
  const { dir } = options;
  await using _ = await lockForRemaking(dir);
  const old = listData(dir);
  const data = newDataName(dir);
  const target = openEnvironment(join(dir, data));
  let records = 0;
  try {
    for (const name of old) await salvage(dir, name, target, options);
    records = target.records.getCount();
    await target.root.flushed;
    switchData(dir, data);
  } finally {
    await target.root.close();
    const current = readFormat(dir).data;
    for (const name of current === data ? old : [data]) await removeData(dir, name);
  }
  return { records };
}

async function salvage(
  dir: string,
  name: DataName,
  target: Environment,
  { signal, onProgress }: LongOperationOptions,
): Promise<void> {
  using file = new DataFile(dataFile(dir, name));
  for (const pageSize of pageSizes) {
    let batch: { key: Buffer; value: Buffer }[] = [];
    const write = () => {
      target.root.transactionSync(() => {
        for (const { key, value } of batch) {
          const database = key.length === keyBytes ? target.records : target.extractors;
          if (!database.doesExist(key)) database.putSync(key, value);
        }
      });
      batch = [];
    };
    let seen = 0;
    for (const entry of salvageEntries(file, pageSize)) {
      const value = wholeValue(file, entry);
      if (value) batch.push({ key: Buffer.from(entry.key), value });
      if (++seen % entriesPerBatch !== 0) continue;
      signal?.throwIfAborted();
      write();
      onProgress?.({ stage: 'salvaging', done: seen, unit: 'entries' });
      await setImmediate();
    }
    write();
    if (seen > 0) return;
  }
}

/** The value of an entry that is a record or describes an extractor, where it is right. */
function wholeValue(file: DataFile, { key, offset, size }: Entry): Buffer | undefined {
  const isRecord = key.length === keyBytes && size < maxRecordBytes;
  const isDescription = key.length === digestBytes && size < maxDescriptionBytes;
  if (!isRecord && !isDescription) return undefined;
  const value = Buffer.allocUnsafe(size);
  if (file.read(value, offset) < size) return undefined;
  const right = isRecord ? isWholeRecord(key, value) : describes(key, value);
  return right ? value : undefined;
}

function describes(digest: Buffer, value: Buffer): boolean {
  try {
    const description: ExtractorDescription = JSON.parse(value.toString('utf8'));
    return isDigestOf(digest.toString('hex'), description);
  } catch {
    return false;
  }
}
