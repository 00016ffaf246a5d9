import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { canReadCheckedRows, readCheckedRows } from '@headstart/native';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const [headerBytes, checkedBytes, rowBytes, count] = [32, 20, 1000, 100];
const header = (i: number) => Buffer.alloc(headerBytes, i + 1);
const row = (i: number) => Buffer.alloc(rowBytes).map((_, k) => (i * 7 + k) % 256);

function rowInFile(i: number): Buffer {
  const bytes = Buffer.concat([header(i), row(i)]);
  const covered = Buffer.concat([header(i).subarray(8, 8 + checkedBytes), row(i)]);
  bytes.writeUInt32LE(crc32(covered), 4);
  return bytes;
}

let folder: string;
let fd: number;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'headstart-test-'));
  const rows = Array.from({ length: count }, (_, i) => rowInFile(i));
  // A flipped bit in the row, in the header, and in the checksum.
  rows[10]![headerBytes + 500]! ^= 1;
  rows[20]![31]! ^= 1;
  rows[30]![5]! ^= 1;
  writeFileSync(join(folder, 'rows'), Buffer.concat(rows).subarray(0, -1));
  fd = openSync(join(folder, 'rows'), 'r');
});
afterAll(() => {
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

function request(order: readonly number[], files = order.map(() => fd)) {
  return {
    files: Int32Array.from(files),
    offsets: Float64Array.from(order, (i) => i * (headerBytes + rowBytes)),
    headers: Buffer.concat(order.map(header)),
    headerBytes,
    checkedBytes,
    rowBytes,
  };
}

describe.skipIf(!canReadCheckedRows)('readCheckedRows', () => {
  it('gives rows in the order asked for, and says which are damaged, cut off or not there', async () => {
    const order = Array.from({ length: count }, (_, i) => (i * 37) % count);
    const target = new Uint8Array(count * rowBytes);
    const files = order.map((i) => (i === 40 ? -1 : fd));
    const right = await readCheckedRows({ ...request(order, files), target });
    order.forEach((i, at) => {
      expect(right[at], `row ${i}`).toBe([10, 20, 30, 40, 99].includes(i) ? 0 : 1);
      if (right[at] !== 1) return;
      expect(Buffer.from(target.subarray(at * rowBytes, (at + 1) * rowBytes))).toEqual(row(i));
    });
  });

  it('compares checksums alone where there is no target', async () => {
    expect([...(await readCheckedRows(request([9, 10, 11, 99])))]).toEqual([1, 0, 1, 0]);
    expect([...(await readCheckedRows(request([])))]).toEqual([]);
  });

  it('does not take a row for another one', async () => {
    const wrong = { ...request([1, 2]), offsets: request([2, 2]).offsets };
    expect([...(await readCheckedRows(wrong))]).toEqual([0, 1]);
  });

  it.each([
    ['fewer offsets', { offsets: new Float64Array(1) }],
    ['fewer headers', { headers: new Uint8Array(headerBytes) }],
    ['a target of another size', { target: new Uint8Array(3) }],
    ['rows of no bytes', { rowBytes: 0 }],
    ['a checksum over more than the header', { checkedBytes: headerBytes }],
  ])('refuses %s', async (_, change) => {
    await expect(readCheckedRows({ ...request([1, 2]), ...change })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });
});
