import { type Box, type Size, visible } from './placement.ts';

/**
 * Picks the pixels that Pillow's `Image.resize(size, NEAREST)` picks, which is what Keras's
 * `flow_from_directory` does by default: source position floor(step · (i + ½)), with the half
 * steps added up one after another in double precision, as Pillow does.
 *
 * @param pixels RGB, height x width x 3, of `size`
 * @param part of it that is scaled
 * @param placed where in the result it stands, black around it
 * @returns RGB of the size `to`
 */
export function resizeNearest(
  pixels: Uint8Array,
  size: Size,
  { part, placed, to }: { readonly part: Box; readonly placed: Box; readonly to: Size },
): Uint8Array {
  const seen = visible(placed, to);
  const top = seen.top - placed.top;
  const left = seen.left - placed.left;
  const rows = positions(part.height, placed.height).subarray(top, top + seen.height);
  const columns = positions(part.width, placed.width).subarray(left, left + seen.width);
  const output = new Uint8Array(to.height * to.width * 3);
  for (const [y, row] of rows.entries()) {
    const start = (part.top + row) * size.width + part.left;
    let at = ((seen.top + y) * to.width + seen.left) * 3;
    for (const column of columns) {
      const source = (start + column) * 3;
      output[at++] = pixels[source] as number;
      output[at++] = pixels[source + 1] as number;
      output[at++] = pixels[source + 2] as number;
    }
  }
  return output;
}

function positions(from: number, to: number): Int32Array {
  const step = from / to;
  const result = new Int32Array(to);
  let position = step * 0.5;
  for (let i = 0; i < to; i++) {
    result[i] = Math.min(Math.floor(position), from - 1);
    position += step;
  }
  return result;
}
