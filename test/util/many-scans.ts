/**
 * A valid progressive JPEG of flat gray: one scan of the DC coefficients, and `scans - 1` of one AC
 * coefficient each, all zero. At 7000 pixels and 820 scans it has 180 KB and takes seconds to decode.
 */
export function manyScans(side: number, scans: number): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt16BE(side, 0);
  size.writeUInt16BE(side, 2);
  const blocks = Math.ceil(side / 8) ** 2;
  const parts = [
    Buffer.from([0xff, 0xd8]),
    segment(0xdb, [0, ...new Array<number>(64).fill(1)]),
    segment(0xc2, [8, ...size, 1, 1, 0x11, 0]),
    // DC: the difference 0 is the bit 0. AC: "the next 2^i + … blocks are zero" is i in 4 bits.
    segment(0xc4, [0x00, 1, ...new Array<number>(15).fill(0), 0]),
    segment(0xc4, [0x10, 0, 0, 0, 15, ...new Array<number>(12).fill(0), ...zeroRuns]),
    segment(0xda, [1, 1, 0, 0, 0, 0]),
    Buffer.alloc(Math.ceil(blocks / 8)),
  ];
  const zeros = codedZeros(blocks);
  for (let i = 0; i < scans - 1; i++) {
    const coefficient = 1 + (i % 63);
    parts.push(segment(0xda, [1, 1, 0, coefficient, coefficient, 0]), zeros);
  }
  return Buffer.concat([...parts, Buffer.from([0xff, 0xd9])]);
}

/** EOB0 to EOB14. */
const zeroRuns = Array.from({ length: 15 }, (_, i) => i << 4);

function segment(marker: number, content: readonly number[]): Buffer {
  const length = content.length + 2;
  return Buffer.from([0xff, marker, length >> 8, length & 255, ...content]);
}

function codedZeros(blocks: number): Buffer {
  let bits = '';
  for (let left = blocks; left > 0; ) {
    const size = Math.min(14, Math.floor(Math.log2(left)));
    const run = Math.min(left, 2 ** (size + 1) - 1);
    bits += size.toString(2).padStart(4, '0');
    if (size > 0) bits += (run - 2 ** size).toString(2).padStart(size, '0');
    left -= run;
  }
  const bytes = bits.match(/.{1,8}/g) ?? [];
  return Buffer.from(
    bytes.flatMap((byte) => {
      const value = Number.parseInt(byte.padEnd(8, '1'), 2);
      return value === 0xff ? [0xff, 0] : [value];
    }),
  );
}
