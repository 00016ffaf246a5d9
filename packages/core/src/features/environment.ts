import { type Database, open, type RootDatabase } from 'lmdb';

type Binary = Database<Buffer, Buffer>;

/** The databases of a cache. */
export const databases = {
  /** Feature key → record. */
  records: 'records',
  /** Extractor digest → its description, as JSON. */
  extractors: 'extractors',
  /** Digest of a path → what the file there was when it was hashed, and its hash. */
  files: 'files',
  /** Digest of a set of keys → the day when they were last used together, and which they are. */
  uses: 'uses',
  /** Feature key → who is computing it. */
  claims: 'claims',
} as const;

/** LMDB on one data folder. */
export interface Environment {
  readonly root: RootDatabase<Buffer, Buffer>;
  readonly records: Binary;
  readonly extractors: Binary;
  readonly files: Binary;
  readonly uses: Binary;
  readonly claims: Binary;
}

const binary = { encoding: 'binary', keyEncoding: 'binary' } as const;

/** @param durable whether each transaction is flushed to disk; else the caller does it at the end */
export function openEnvironment(path: string, durable = true): Environment {
  const root = open<Buffer, Buffer>({
    path,
    noSubdir: false,
    maxDbs: 8,
    noSync: !durable,
    ...binary,
  });
  const database = (name: string) => root.openDB<Buffer, Buffer>(name, binary);
  return {
    root,
    records: database(databases.records),
    extractors: database(databases.extractors),
    files: database(databases.files),
    uses: database(databases.uses),
    claims: database(databases.claims),
  };
}

/**
 * What a database has under a key, valid until the next read: memory that is used again. lmdb gives a
 * longer buffer with a `length` of its own, which `subarray` heeds in Node 20 and not in Node 24; here
 * it is as long as it says.
 */
export function readFast(database: Binary, key: Buffer): Buffer | undefined {
  const bytes = database.getBinaryFast(key);
  return bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
