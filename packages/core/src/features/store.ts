import type { Claim } from './claims.ts';
import type { ExtractorId } from './key.ts';
import type { CacheRecord, RecordLayout } from './record.ts';

/** Where features are found and put: a cache, or one that is only read with another before it. */
export interface FeatureStore extends AsyncDisposable {
  /** The folder, for messages. */
  readonly dir: string;
  /** True where there is a record under this key; it may yet turn out to be damaged. */
  has(key: Buffer): boolean;
  /** True where there is a record of this layout under this key and its checksum is right. */
  holds(key: Buffer, layout: RecordLayout): boolean;
  /**
   * Copies the numbers of a record to `target`, which has their size.
   *
   * @returns false, with `target` untouched, where `holds` would be false
   */
  copy(key: Buffer, layout: RecordLayout, target: Uint8Array): boolean;
  /**
   * Reads the numbers of records one after the other to `target`, or only compares their checksums, on
   * other threads.
   *
   * @returns for each record 1, or 0 where `holds` would be false: `target` is then arbitrary there
   */
  read(keys: readonly Buffer[], layout: RecordLayout, target?: Uint8Array): Promise<Uint8Array>;
  /**
   * Appends records: after it others can read them, whatever becomes of this process. Those that are
   * there already are left out.
   *
   * @throws HeadstartError `CACHE_UNUSABLE`: full disk, read-only folder
   */
  putBatch(records: readonly CacheRecord[]): void;
  /** As {@link putBatch}, of records that `encodeRecords` encoded, on whatever thread. */
  putEncoded(records: Buffer): void;
  /**
   * Claims these records, which are going to be computed here, where nobody else has claimed them
   * of and that are not there. {@link putBatch} and {@link release} end it.
   */
  claim(keys: readonly Buffer[], layout: RecordLayout): Claim[];
  /** Who is computing a record; undefined where nobody has claimed it. */
  claimant(key: Buffer): { readonly host: string; readonly pid: number } | undefined;
  /** Gives up what was claimed and not written. */
  release(keys: readonly Buffer[]): void;
  /** Notes what an extractor's digest stands for, so that people can be told. */
  describeExtractor(extractor: ExtractorId): void;
  /** Notes that these records were used today, for those who make room later. */
  noteUse(keys: Iterable<Buffer>): void;
  /** What is remembered of files, by the digests of their paths. */
  readFile(key: Buffer): Buffer | undefined;
  /** Remembers files: digest of the path, and what is known. */
  writeFiles(files: readonly (readonly [key: Buffer, value: Buffer])[]): void;
}
