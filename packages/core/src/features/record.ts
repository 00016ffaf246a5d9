import { crc32 } from 'node:zlib';
import { keyBytes } from './key.ts';
import { type FeatureDtype, type FeatureRows, rowLength } from './set.ts';

/** What one record holds. */
export interface RecordLayout {
  readonly shape: readonly number[];
  readonly dtype: FeatureDtype;
}

/** Features of one view, under their key. */
export interface CacheRecord extends RecordLayout {
  readonly key: Buffer;
  readonly row: FeatureRows;
}

/**
 * A record of a pack, little-endian; docs/file-formats.md lists its fields. It begins at a multiple of
 * 64 bytes: magic, CRC-32, key, version, type, rank, length of the numbers, dimensions, zeros up to
 * byte 128; the numbers; zeros. The checksum covers the key, the fields after it and the numbers.
 */
const magic = 0x32525348;
const version = 1;
const dtypeCodes = { float32: 0, float16: 1 } as const;
const [checksumAt, keyAt, fieldsAt, sizeAt, shapeAt] = [4, 8, 72, 76, 80] as const;
const alignment = 64;

export const headerBytes = 128;
const maxRank = (headerBytes - shapeAt) / 4;

/** How many bytes a record of `size` bytes of numbers takes in a pack. */
export function recordBytes(size: number): number {
  return headerBytes + Math.ceil(size / alignment) * alignment;
}

/** Records one after the other, as they are appended to a pack. It may be called on any thread. */
export function encodeRecords(records: readonly CacheRecord[]): Buffer {
  const total = records.reduce((sum, { row }) => sum + recordBytes(row.byteLength), 0);
  const bytes = Buffer.alloc(total);
  let at = 0;
  for (const { key, row, shape, dtype } of records) {
    const end = at + recordBytes(row.byteLength);
    const record = bytes.subarray(at, end);
    writeHeader(record, key, { shape, dtype });
    record.set(new Uint8Array(row.buffer, row.byteOffset, row.byteLength), headerBytes);
    record.writeUInt32LE(computeChecksum(record), checksumAt);
    at = end;
  }
  return bytes;
}

/** All of a header but its checksum. */
function writeHeader(header: Buffer, key: Buffer, layout: RecordLayout): void {
  const { shape, dtype } = layout;
  if (shape.length > maxRank) throw new RangeError(`Features of ${shape.length} dimensions`);
  header.writeUInt32LE(magic, 0);
  key.copy(header, keyAt);
  header[fieldsAt] = version;
  header[fieldsAt + 1] = dtypeCodes[dtype];
  header[fieldsAt + 2] = shape.length;
  header.writeUInt32LE(rowBytes(layout), sizeAt);
  for (const [i, size] of shape.entries()) header.writeUInt32LE(size, shapeAt + 4 * i);
}

/** The headers of records, without their checksums; and how many bytes from byte 8 on these cover. */
export function expectedHeaders(keys: readonly Buffer[], layout: RecordLayout) {
  const headers = Buffer.allocUnsafe(keys.length * headerBytes);
  const first = Buffer.alloc(headerBytes);
  if (keys[0]) writeHeader(first, keys[0], layout);
  keys.forEach((key, i) => {
    first.copy(headers, i * headerBytes);
    key.copy(headers, i * headerBytes + keyAt);
  });
  return { headers, checkedBytes: shapeAt + 4 * layout.shape.length - keyAt };
}

/** Bytes of the numbers of a row. */
export function rowBytes({ shape, dtype }: RecordLayout): number {
  return rowLength(shape) * (dtype === 'float16' ? 2 : 4);
}

/** The bytes of numbers that a header names; undefined where it is not that of a record. */
export function sizeInHeader(header: Buffer): number | undefined {
  const isRecord =
    header.length >= headerBytes &&
    header.readUInt32LE(0) === magic &&
    header[fieldsAt] === version &&
    (header[fieldsAt + 2] as number) <= maxRank;
  return isRecord ? header.readUInt32LE(sizeAt) : undefined;
}

/** Whether `record` is whole, from its header to its last number. */
export function isWholeRecord(record: Buffer): boolean {
  const size = sizeInHeader(record);
  return (
    size !== undefined &&
    record.length >= headerBytes + size &&
    recordChecksum(record) === computeChecksum(record)
  );
}

export function keyOf(record: Buffer): Buffer {
  return record.subarray(keyAt, keyAt + keyBytes);
}

/** Whether a record is that of a key, by its header. */
export function hasKey(record: Buffer, key: Buffer): boolean {
  return record.compare(key, 0, keyBytes, keyAt, keyAt + keyBytes) === 0;
}

/** What a whole record holds. */
export function layoutOf(record: Buffer): RecordLayout {
  const shape = Array.from({ length: record[fieldsAt + 2] as number }, (_, i) =>
    record.readUInt32LE(shapeAt + 4 * i),
  );
  return { shape, dtype: record[fieldsAt + 1] === dtypeCodes.float16 ? 'float16' : 'float32' };
}

/** The numbers of a whole record, as bytes inside it. */
export function numbersOf(record: Buffer): Buffer {
  return record.subarray(headerBytes, headerBytes + record.readUInt32LE(sizeAt));
}

/** The checksum in a record. */
export function recordChecksum(record: Buffer): number {
  return record.readUInt32LE(checksumAt);
}

export function hasLayout(record: Buffer, layout: RecordLayout): boolean {
  const { shape, dtype } = layout;
  return (
    record[fieldsAt + 1] === dtypeCodes[dtype] &&
    record[fieldsAt + 2] === shape.length &&
    record.readUInt32LE(sizeAt) === rowBytes(layout) &&
    shape.every((length, i) => record.readUInt32LE(shapeAt + 4 * i) === length)
  );
}

/** Of a record whose header {@link sizeInHeader} accepts. */
function computeChecksum(record: Buffer): number {
  const fields = record.subarray(keyAt, shapeAt + 4 * (record[fieldsAt + 2] as number));
  return crc32(numbersOf(record), crc32(fields));
}
