import { randomDomain, uniforms } from '@headstart/native';

/** Stream of the pictures; the weights of `vgg16-untrained` have others of the same domain. */
const pictureCounter = 1000;

/** Cells along one side of each layer of noise: from large forms to fine texture. */
const octaves = [2, 4, 8, 16, 32, 64, 112];

/**
 * Varied pictures drawn from a seed: layers of smooth noise from coarse to fine, as strong as in
 * photographs (amplitude falling with frequency), some grey and some coloured, of varied contrast.
 *
 * @returns uint8 RGB [count, size, size, 3]
 */
export function generatedImages(count: number, size: number, seed: number): Uint8Array {
  const images = new Uint8Array(count * size * size * 3);
  for (let i = 0; i < count; i++) {
    images.set(generatedImage(i, size, seed), i * size * size * 3);
  }
  return images;
}

function generatedImage(index: number, size: number, seed: number): Uint8Array {
  const draw = drawer(index, seed);
  const [colourfulness = 0, contrast = 0, roughness = 0, ...mean] = draw(6);
  const values = new Float32Array(size * size * 3);
  for (const cells of octaves) {
    const amplitude = cells ** -(0.4 + 0.8 * roughness);
    const grey = draw((cells + 1) ** 2);
    const planes = [0, 1, 2].map(() => draw((cells + 1) ** 2));
    for (const [channel, plane] of planes.entries()) {
      const mixed = plane.map((v, k) => (1 - colourfulness) * (grey[k] ?? 0) + colourfulness * v);
      addNoise(values, size, channel, mixed, cells, amplitude * (0.4 + contrast) * 160);
    }
  }
  const pixels = new Uint8Array(values.length);
  for (let k = 0; k < values.length; k++) {
    const level = (values[k] as number) + 60 + 140 * (mean[k % 3] as number);
    pixels[k] = Math.min(255, Math.max(0, Math.round(level)));
  }
  return pixels;
}

/** Draws numbers in [0, 1) one lot after another. */
function drawer(index: number, seed: number): (count: number) => Float64Array {
  let lot = 0;
  return (count) => {
    const counter = [pictureCounter, index, lot++] as [number, number, number];
    return uniforms({ seed, domain: randomDomain.backboneInit, counter }, count);
  };
}

/** Adds a grid of values −½..½, blown up bilinearly, to one channel. */
function addNoise(
  values: Float32Array,
  size: number,
  channel: number,
  grid: Float64Array,
  cells: number,
  amplitude: number,
): void {
  const at = (row: number, column: number) => grid[row * (cells + 1) + column] as number;
  for (let y = 0; y < size; y++) {
    const gy = (y / size) * cells;
    const [row, fy] = [Math.floor(gy), gy % 1];
    for (let x = 0; x < size; x++) {
      const gx = (x / size) * cells;
      const [column, fx] = [Math.floor(gx), gx % 1];
      const top = at(row, column) * (1 - fx) + at(row, column + 1) * fx;
      const bottom = at(row + 1, column) * (1 - fx) + at(row + 1, column + 1) * fx;
      const k = (y * size + x) * 3 + channel;
      values[k] = (values[k] as number) + (top * (1 - fy) + bottom * fy - 0.5) * amplitude;
    }
  }
}
