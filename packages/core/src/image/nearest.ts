import type { Box, Size } from './placement.ts';

/**
 * Picks the pixels that Pillow's `Image.resize(size, NEAREST)` picks, which is what Keras's
 * `flow_from_directory` does by default: source position floor(step · (i + ½)), with the half
 * steps added up one after another in double precision, as Pillow does.
 *
 * @param pixels RGB, height x width x 3, of `size`
 * @param part of it that is scaled
 */
export function resizeNearest(pixels: Uint8Array, size: Size, part: Box, to: Size): Uint8Array {
  const rows = positions(part.height, to.height).map((row) => row + part.top);
  const columns = positions(part.width, to.width).map((column) => column + part.left);
  const output = new Uint8Array(to.height * to.width * 3);
  let at = 0;
  for (const row of rows) {
    const start = row * size.width;
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
