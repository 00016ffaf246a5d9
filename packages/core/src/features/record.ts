import { crc32 } from 'node:zlib';
import { type FeatureDtype, type FeatureRows, rowLength } from './set.ts';

/** What one record holds. */
export interface RecordLayout {
  readonly shape: readonly number[];
  readonly dtype: FeatureDtype;
}

/**
 * A record, little-endian: magic (4 bytes), CRC-32 (4), version (1), dtype (1: 0 float32,
 * 1 float16), rank (1), zero (1), byte length of the numbers (4), dimensions (4 each), numbers.
 * The checksum covers the key and everything after it, so that a record found under another key
 * is not accepted either.
 */
const magic = 0x31525348;
const version = 1;
const dtypeCodes = { float32: 0, float16: 1 } as const;
const checkedFrom = 8;

function headerBytes(rank: number): number {
  return 16 + 4 * rank;
}

export function encodeRecord(key: Uint8Array, layout: RecordLayout, row: FeatureRows): Buffer {
  const { shape, dtype } = layout;
  const header = headerBytes(shape.length);
  const record = Buffer.allocUnsafe(header + row.byteLength);
  record.writeUInt32LE(magic, 0);
  record[8] = version;
  record[9] = dtypeCodes[dtype];
  record[10] = shape.length;
  record[11] = 0;
  record.writeUInt32LE(row.byteLength, 12);
  shape.forEach((size, i) => {
    record.writeUInt32LE(size, 16 + 4 * i);
  });
  record.set(new Uint8Array(row.buffer, row.byteOffset, row.byteLength), header);
  record.writeUInt32LE(checksum(key, record), 4);
  return record;
}

/**
 * The numbers of a record as bytes, still inside `record`; undefined where it is not whole or not
 * of this layout.
 */
export function recordBytes(
  key: Uint8Array,
  layout: RecordLayout,
  record: Buffer,
): Buffer | undefined {
  const { shape, dtype } = layout;
  const header = headerBytes(shape.length);
  const size = rowLength(shape) * (dtype === 'float16' ? 2 : 4);
  if (record.length !== header + size || record.readUInt32LE(0) !== magic) return undefined;
  const asExpected =
    record[8] === version &&
    record[9] === dtypeCodes[dtype] &&
    record[10] === shape.length &&
    record.readUInt32LE(12) === size &&
    shape.every((length, i) => record.readUInt32LE(16 + 4 * i) === length);
  if (!asExpected || record.readUInt32LE(4) !== checksum(key, record)) return undefined;
  return record.subarray(header);
}

/** Whether a record is what was written under this key, whatever its layout. */
export function isWholeRecord(key: Uint8Array, record: Buffer): boolean {
  if (record.length < headerBytes(0) || record.readUInt32LE(0) !== magic) return false;
  if (record[8] !== version) return false;
  const size = record.readUInt32LE(12);
  if (record.length !== headerBytes(record[10] as number) + size) return false;
  return record.readUInt32LE(4) === checksum(key, record);
}

/** What a whole record holds. */
export function layoutOf(record: Buffer): RecordLayout {
  const shape = Array.from({ length: record[10] as number }, (_, i) =>
    record.readUInt32LE(16 + 4 * i),
  );
  return { shape, dtype: record[9] === dtypeCodes.float16 ? 'float16' : 'float32' };
}

/** The numbers of a whole record, as bytes inside it. */
export function numbersOf(record: Buffer): Buffer {
  return record.subarray(headerBytes(record[10] as number));
}

/** The checksum that a record says it has. */
export function recordChecksum(record: Buffer): number {
  return record.readUInt32LE(4);
}

function checksum(key: Uint8Array, record: Buffer): number {
  return crc32(record.subarray(checkedFrom), crc32(key));
}
