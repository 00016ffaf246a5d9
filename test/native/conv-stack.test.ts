import { execFileSync } from 'node:child_process';
import { ConvStack, type ConvStackOptions, type StackLayer } from '@headstart/native';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from '../util/shared.ts';
import { relativeError } from './support/heads.ts';

/** From −1 to 1, as if drawn. */
const numbers = (count: number, seed: number) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin((i + 1) * 12.9898 * (seed + 1.1)) % 1);

const layer = (inputs: number, filters: number, pool = false): StackLayer => ({
  kernel: numbers(9 * inputs * filters, inputs).map((x) => x / Math.sqrt(4 * inputs)),
  bias: numbers(filters, filters),
  pool,
});

const imagesOf = (count: number, { height, width }: { height: number; width: number }) =>
  Uint8Array.from({ length: count * height * width * 3 }, (_, i) => (i * 73 + (i >> 5)) % 251);

/** Plain sums in double precision. */
function reference(options: ConvStackOptions, image: Uint8Array): Float32Array {
  let { height, width } = options;
  let channels = 3;
  let map = Float64Array.from(
    image,
    (pixel, i) => pixel * (options.scale[i % 3] as number) + (options.shift[i % 3] as number),
  );
  for (const { kernel, bias, pool } of options.layers) {
    const filters = bias.length;
    const sums = new Float64Array(height * width * filters);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = (y * width + x) * filters;
        for (let f = 0; f < filters; f++) sums[at + f] = bias[f] as number;
        for (let tap = 0; tap < 9; tap++) {
          const [row, column] = [y + Math.floor(tap / 3) - 1, x + (tap % 3) - 1];
          if (row < 0 || row >= height || column < 0 || column >= width) continue;
          for (let c = 0; c < channels; c++) {
            const value = map[(row * width + column) * channels + c] as number;
            const taps = (tap * channels + c) * filters;
            for (let f = 0; f < filters; f++) {
              sums[at + f] = (sums[at + f] as number) + value * (kernel[taps + f] as number);
            }
          }
        }
        for (let f = 0; f < filters; f++) sums[at + f] = Math.max(0, sums[at + f] as number);
      }
    }
    [map, channels] = [sums, filters];
    if (!pool) continue;
    const halved = new Float64Array((height / 2) * (width / 2) * filters);
    for (let i = 0; i < halved.length; i++) {
      const f = i % filters;
      const x = Math.floor(i / filters) % (width / 2);
      const y = Math.floor(i / filters / (width / 2));
      const near = [0, 1, width, width + 1].map(
        (step) => sums[(2 * y * width + 2 * x + step) * filters + f] as number,
      );
      halved[i] = Math.max(...near);
    }
    [map, height, width] = [halved, height / 2, width / 2];
  }
  return Float32Array.from(map);
}

const base = {
  scale: Float32Array.of(0.017, 0.016, 0.018),
  shift: Float32Array.of(-2.1, -2, -1.8),
};

const cases: readonly [string, Pick<ConvStackOptions, 'height' | 'width' | 'layers'>][] = [
  ['one layer', { height: 5, width: 7, layers: [layer(3, 16)] }],
  [
    'a pool and sides that tiles hang over',
    { height: 10, width: 14, layers: [layer(3, 32), layer(32, 48, true), layer(48, 16)] },
  ],
  ['a picture smaller than a tile', { height: 2, width: 3, layers: [layer(3, 16), layer(16, 16)] }],
  ['odd sides', { height: 9, width: 33, layers: [layer(3, 64), layer(64, 16), layer(16, 80)] }],
  [
    'pools to a single pixel',
    { height: 4, width: 4, layers: [layer(3, 16), layer(16, 16, true), layer(16, 32, true)] },
  ],
  [
    'layers on both sides of where all images run at once',
    {
      height: 12,
      width: 8,
      layers: [layer(3, 64), layer(64, 128, true), layer(128, 144), layer(144, 16, true)],
    },
  ],
];

describe('ConvStack', () => {
  it.each(cases)('gives what plain sums give: %s', (_, shape) => {
    const options = { ...base, ...shape };
    const images = imagesOf(3, shape);
    using stack = new ConvStack({ ...options, threads: 2 });
    const found = stack.run(images, 3);
    const size = images.length / 3;
    const expected = [0, 1, 2].flatMap((i) =>
      Array.from(reference(options, images.subarray(i * size, (i + 1) * size))),
    );
    expect(stack.outputShape.reduce((a, b) => a * b, 1) * 3).toBe(found.length);
    expect(found.some((value) => value > 0)).toBe(true);
    expect(relativeError(found, Float32Array.from(expected))).toBeLessThan(1e-5);
  });

  it('gives the same bits for any number of threads and of images at once', () => {
    const [, shape] = cases.at(-1)!;
    const images = imagesOf(5, shape);
    using one = new ConvStack({ ...base, ...shape, threads: 1 });
    using three = new ConvStack({ ...base, ...shape, threads: 3 });
    const all = three.run(images, 5);
    const [size, row] = [images.length / 5, all.length / 5];
    for (let i = 4; i >= 0; i--) {
      const alone = one.run(images.subarray(i * size, (i + 1) * size), 1);
      expect(alone).toEqual(all.slice(i * row, (i + 1) * row));
    }
  });

  it('gives the same with other instruction sets, within rounding', () => {
    const run = (instructions: string) => {
      const script = `
        import { ConvStack } from '@headstart/native';
        const numbers = (n, s) => Float32Array.from({ length: n }, (_, i) => Math.sin((i + 1) * s));
        const layer = (inputs, filters, pool) =>
          ({ kernel: numbers(9 * inputs * filters, 1.7), bias: numbers(filters, 0.3), pool });
        const stack = new ConvStack({ height: 14, width: 10, scale: numbers(3, 0.1),
          shift: numbers(3, 0.2), layers: [layer(3, 48, false), layer(48, 80, true)] });
        const image = Uint8Array.from({ length: 420 }, (_, i) => (i * 73) % 251);
        process.stdout.write(Buffer.from(stack.run(image, 1).buffer));`;
      try {
        const bytes = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
          cwd: repositoryRoot,
          env: { ...process.env, HEADSTART_CPU: instructions },
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        return new Float32Array(Uint8Array.from(bytes).buffer);
      } catch (error) {
        expect(String(error)).toContain('this processor does not run');
        console.log(`skipped: this processor has no ${instructions}`);
        return undefined;
      }
    };
    const portable = run('portable') as Float32Array;
    expect(portable.length).toBe(7 * 5 * 80);
    const [avx2, avx512] = [run('avx2'), run('avx512')];
    for (const other of [avx2, avx512]) {
      if (other) expect(relativeError(other, portable)).toBeLessThan(1e-5);
    }
    if (avx2 && avx512) expect(avx512).toEqual(avx2);
  });

  it('refuses what does not fit, and says what would', () => {
    const make = (change: Partial<ConvStackOptions>) => () =>
      new ConvStack({ ...base, height: 6, width: 6, layers: [layer(3, 16)], ...change });
    const wrong: readonly [() => ConvStack, RegExp][] = [
      [make({ layers: [] }), /layers/],
      [make({ layers: [layer(4, 16)] }), /Float32Array of length 432 for layers\[0\]\.kernel/],
      [make({ layers: [layer(3, 20)] }), /multiple of 16 for layers\[0\]\.bias/],
      [make({ layers: [layer(3, 16, true)] }), /first layer of a stack has no pool/],
      [make({ height: 5, layers: [layer(3, 16), layer(16, 16, true)] }), /halve an odd side/],
      [make({ scale: Float32Array.of(1) }), /Float32Array of length 3 for scale/],
      [make({ threads: 0 }), /threads/],
    ];
    for (const [open, message] of wrong) expect(open).toThrow(message);
    const stack = make({})();
    expect(() => stack.run(new Uint8Array(10), 1)).toThrow(/Uint8Array of 108 bytes for images/);
    expect(() => stack.run(new Uint8Array(0), 0)).toThrow(/count/);
    stack.dispose();
    stack.dispose();
    expect(() => stack.run(new Uint8Array(108), 1)).toThrow(/disposed/);
  });
});
