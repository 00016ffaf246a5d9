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
    if (shape.length > maxRank) throw new RangeError(`Features of ${shape.length} dimensions`);
    const end = at + recordBytes(row.byteLength);
    const record = bytes.subarray(at, end);
    record.writeUInt32LE(magic, 0);
    key.copy(record, keyAt);
    record[fieldsAt] = version;
    record[fieldsAt + 1] = dtypeCodes[dtype];
    record[fieldsAt + 2] = shape.length;
    record.writeUInt32LE(row.byteLength, sizeAt);
    for (const [i, size] of shape.entries()) record.writeUInt32LE(size, shapeAt + 4 * i);
    record.set(new Uint8Array(row.buffer, row.byteOffset, row.byteLength), headerBytes);
    record.writeUInt32LE(computeChecksum(record), checksumAt);
    at = end;
  }
  return bytes;
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

export function hasLayout(record: Buffer, { shape, dtype }: RecordLayout): boolean {
  return (
    record[fieldsAt + 1] === dtypeCodes[dtype] &&
    record[fieldsAt + 2] === shape.length &&
    record.readUInt32LE(sizeAt) === rowLength(shape) * (dtype === 'float16' ? 2 : 4) &&
    shape.every((length, i) => record.readUInt32LE(shapeAt + 4 * i) === length)
  );
}

/** Of a record whose header {@link sizeInHeader} accepts. */
function computeChecksum(record: Buffer): number {
  const fields = record.subarray(keyAt, shapeAt + 4 * (record[fieldsAt + 2] as number));
  return crc32(numbersOf(record), crc32(fields));
}
