import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { FileTable, fileEntryBytes } from '../../../packages/core/src/features/file-table.ts';

/** Keys of which every two begin alike, so that they come to the same slot. */
function entry(i: number, value: number): Buffer {
  const key = createHash('sha256').update(`${i}`).digest().subarray(0, 16);
  key.writeUInt32LE(Math.imul(i >>> 1, 0x9e37_79b1) >>> 0, 0);
  return Buffer.concat([key, Buffer.alloc(fileEntryBytes - 16, value)]);
}

const found = (table: FileTable, i: number) => table.find(entry(i, 0).subarray(0, 16));

describe('the table of files', () => {
  it('finds the last value of each key, however many there are and however they were added', () => {
    const table = new FileTable();
    expect(found(table, 0)).toBeUndefined();
    const many = Array.from({ length: 5000 }, (_, i) => entry(i, i % 251));
    table.add(Buffer.concat(many.slice(0, 3)));
    table.add(Buffer.concat(many));
    table.add(Buffer.concat([entry(7, 252), entry(7, 253), entry(5000, 254), Buffer.alloc(91)]));
    for (let i = 0; i <= 5000; i++) {
      const value = i === 7 ? 253 : i === 5000 ? 254 : i % 251;
      expect(found(table, i)?.equals(Buffer.alloc(fileEntryBytes - 16, value))).toBe(true);
    }
    expect(found(table, 5001)).toBeUndefined();
    expect(table.bytes.length).toBe(5001 * fileEntryBytes);
  });
});
