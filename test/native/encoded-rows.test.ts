import { crc32 } from 'node:zlib';
import { encodeRows } from '@headstart/native';
import { describe, expect, it } from 'vitest';
import { toFloat16 } from '#core/features';

const [headerBytes, checkedBytes, count] = [32, 20, 3];
const headers = Buffer.concat([1, 2, 3].map((byte) => Buffer.alloc(headerBytes, byte)));

/** Of all magnitudes and signs, halfway cases too: the patterns of float32 that float16 can hold. */
function numbersOf(row: number): Float32Array {
  const bits = new Uint32Array(count * row);
  for (let i = 0; i < bits.length; i++) {
    bits[i] = Math.imul(i, 0x9e3779b1) >>> 0;
    if (i % 3 === 0) bits[i] = (bits[i]! & ~0xfff) >>> 0;
    if ((bits[i]! & 0x7fffffff) >= 0x477ff000) bits[i]! &= 0x80ffffff;
  }
  return new Float32Array(bits.buffer);
}

function expectedRecords(numbers: Uint8Array, recordBytes: number): Buffer {
  const rowBytes = numbers.length / count;
  const records = Array.from({ length: count }, (_, i) => {
    const record = Buffer.alloc(recordBytes);
    headers.copy(record, 0, i * headerBytes, (i + 1) * headerBytes);
    record.set(numbers.subarray(i * rowBytes, (i + 1) * rowBytes), headerBytes);
    const covered = [record.subarray(8, 8 + checkedBytes), record.subarray(headerBytes)];
    const sum = crc32(Buffer.concat([covered[0]!, covered[1]!.subarray(0, rowBytes)]));
    record.writeUInt32LE(sum, 4);
    return record;
  });
  return Buffer.concat(records);
}

describe('encodeRows', () => {
  it.each(['float16', 'float32'] as const)('gives records of %s to the bit', async (dtype) => {
    const row = 20_001;
    const numbers = numbersOf(row);
    const halves = new Uint16Array(numbers.length);
    expect(toFloat16(numbers, halves)).toBe(-1);
    const bytes = new Uint8Array((dtype === 'float16' ? halves : numbers).buffer);
    const recordBytes = headerBytes + bytes.length / count + 14;
    const target = Buffer.alloc(count * recordBytes, 0xff);
    const bad = await encodeRows({ numbers, headers, headerBytes, checkedBytes, dtype, target });
    expect(bad).toBe(-1);
    expect(target.equals(expectedRecords(bytes, recordBytes))).toBe(true);
  });

  it.each([
    ['float16', 65520],
    ['float16', Number.NaN],
    ['float32', Number.POSITIVE_INFINITY],
    ['float32', Number.NaN],
  ] as const)('says where %s cannot hold %d', async (dtype, value) => {
    const numbers = new Float32Array(15).fill(65519);
    numbers[7] = value;
    const target = new Uint8Array(count * (headerBytes + 20));
    const bad = await encodeRows({ numbers, headers, headerBytes, checkedBytes, dtype, target });
    expect(bad).toBe(7);
  });

  it('refuses a target that rows do not fit in', async () => {
    const options = { numbers: new Float32Array(15), headers, headerBytes, checkedBytes };
    const target = new Uint8Array(count * (headerBytes + 19));
    const encoded = encodeRows({ ...options, dtype: 'float32', target });
    await expect(encoded).rejects.toThrow('The target has not the size of the rows.');
  });
});
