// The photographs of the benchmark: copies with bytes of their own, so that each one counts.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Copies the JPEG files under `from` to `to`/all, in one class each, without their colour profiles
 * unless these are wanted.
 */
export function copyPhotographs(from, to, { copies, profiles }) {
  const files = readdirSync(from, { recursive: true }).filter((path) => /\.jpe?g$/i.test(path));
  for (const [i, path] of files.sort().entries()) {
    const bytes = readFileSync(join(from, path));
    const picture = profiles ? bytes : withoutProfile(bytes);
    const folder = join(to, `class-${i % 2}`);
    mkdirSync(folder, { recursive: true });
    for (let copy = 0; copy < copies; copy++) {
      // What follows the end of a JPEG is not read by decoders.
      writeFileSync(
        join(folder, `${i}-${copy}.jpg`),
        Buffer.concat([picture, Buffer.from([copy])]),
      );
    }
  }
  return files.length * copies;
}

function withoutProfile(jpeg) {
  const parts = [jpeg.subarray(0, 2)];
  let at = 2;
  while (at + 4 <= jpeg.length && jpeg[at] === 0xff && jpeg[at + 1] !== 0xda) {
    const end = at + 2 + jpeg.readUInt16BE(at + 2);
    if (jpeg[at + 1] !== 0xe2) parts.push(jpeg.subarray(at, end));
    at = end;
  }
  return Buffer.concat([...parts, jpeg.subarray(at)]);
}
