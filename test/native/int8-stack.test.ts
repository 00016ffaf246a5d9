import { execFileSync } from 'node:child_process';
import { Int8Stack, type Int8StackLayer, type Int8StackOptions } from '@headstart/native';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from '../util/shared.ts';

/** Integers from −limit to limit, as if drawn. */
const integers = (count: number, limit: number, seed: number) =>
  Array.from({ length: count }, (_, i) =>
    Math.round(((Math.sin((i + 1) * 12.9898 * (seed + 1.1)) * 43758.5453) % 1) * limit),
  );

const layer = (inputs: number, filters: number, pool = false, zeroPoint = 0): Int8StackLayer => ({
  kernel: Int8Array.from(integers(9 * inputs * filters, 127, inputs)),
  bias: Int32Array.from(integers(filters, 30_000, filters)),
  scale: Float32Array.from({ length: filters }, (_, f) => (0.004 + f * 1e-5) / Math.sqrt(inputs)),
  zeroPoint,
  pool,
});

const imagesOf = (count: number, { height, width }: { height: number; width: number }) =>
  Uint8Array.from({ length: count * height * width * 3 }, (_, i) => (i * 73 + (i >> 5)) % 256);

/** To the nearest integer, halves to even ones. */
function roundToEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** QLinearConv and MaxPool as ONNX defines them. */
function reference(options: Int8StackOptions, image: Uint8Array): Float32Array {
  let { height, width, zeroPoint: zero } = options;
  let channels = 3;
  let map = Array.from(image);
  for (const { kernel, bias, scale, zeroPoint, pool } of options.layers) {
    const filters = bias.length;
    const levels = new Array<number>(height * width * filters);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let f = 0; f < filters; f++) {
          let sum = bias[f] as number;
          for (let tap = 0; tap < 9; tap++) {
            const [row, column] = [y + Math.floor(tap / 3) - 1, x + (tap % 3) - 1];
            if (row < 0 || row >= height || column < 0 || column >= width) continue;
            for (let c = 0; c < channels; c++) {
              const level = map[(row * width + column) * channels + c] as number;
              sum += (level - zero) * (kernel[(tap * channels + c) * filters + f] as number);
            }
          }
          const exact = Math.fround(Math.fround(sum) * (scale[f] as number));
          const cut = Math.min(255 - zeroPoint, Math.max(-zeroPoint, exact));
          levels[(y * width + x) * filters + f] = roundToEven(cut) + zeroPoint;
        }
      }
    }
    [map, channels, zero] = [levels, filters, zeroPoint];
    if (!pool) continue;
    const halved = new Array<number>((height / 2) * (width / 2) * filters);
    for (let i = 0; i < halved.length; i++) {
      const f = i % filters;
      const x = Math.floor(i / filters) % (width / 2);
      const y = Math.floor(i / filters / (width / 2));
      const near = [0, 1, width, width + 1].map(
        (step) => levels[(2 * y * width + 2 * x + step) * filters + f] as number,
      );
      halved[i] = Math.max(...near);
    }
    [map, height, width] = [halved, height / 2, width / 2];
  }
  return Float32Array.from(map, (level) => (level - zero) * Math.fround(options.outputScale));
}

const base = { zeroPoint: 117, outputScale: 0.03125 };

type Case = Pick<Int8StackOptions, 'height' | 'width' | 'layers'>;

const cases: readonly [string, Case][] = [
  ['one layer', { height: 5, width: 7, layers: [layer(3, 16)] }],
  ['a single pixel', { height: 1, width: 1, layers: [layer(3, 16, false, 3), layer(16, 32)] }],
  [
    'a pool, and levels for zero other than 0',
    {
      height: 10,
      width: 14,
      layers: [layer(3, 32, false, 9), layer(32, 48, true, 130), layer(48, 16, false, 255)],
    },
  ],
  ['odd sides', { height: 9, width: 33, layers: [layer(3, 64), layer(64, 16), layer(16, 80)] }],
  [
    'layers on both sides of where all images run at once',
    {
      height: 12,
      width: 8,
      layers: [layer(3, 64), layer(64, 128, true), layer(128, 144), layer(144, 16, true)],
    },
  ],
];

describe('Int8Stack', () => {
  it.each(cases)('gives exactly what ONNX defines: %s', (_, shape) => {
    const options = { ...base, ...shape };
    const images = imagesOf(3, shape);
    using stack = new Int8Stack({ ...options, threads: 2 });
    const found = stack.run(images, 3);
    const size = images.length / 3;
    const expected = [0, 1, 2].flatMap((i) =>
      Array.from(reference(options, images.subarray(i * size, (i + 1) * size))),
    );
    expect(stack.outputShape.reduce((a, b) => a * b, 1) * 3).toBe(found.length);
    expect(new Set(found).size).toBeGreaterThan(4);
    expect(found).toEqual(Float32Array.from(expected));
  });

  it('gives the same for any number of threads and of images at once', () => {
    const [, shape] = cases.at(-1) as (typeof cases)[number];
    const images = imagesOf(5, shape);
    using one = new Int8Stack({ ...base, ...shape, threads: 1 });
    using three = new Int8Stack({ ...base, ...shape, threads: 3 });
    const all = three.run(images, 5);
    const [size, row] = [images.length / 5, all.length / 5];
    for (let i = 4; i >= 0; i--) {
      const alone = one.run(images.subarray(i * size, (i + 1) * size), 1);
      expect(alone).toEqual(all.slice(i * row, (i + 1) * row));
    }
  });

  it('gives the same with all instruction sets', () => {
    const run = (instructions: string) => {
      const script = `
        import { Int8Stack, int8Instructions } from '@headstart/native';
        const layer = (inputs, filters, pool) => ({
          kernel: Int8Array.from({ length: 9 * inputs * filters }, (_, i) => (i * 89) % 255 - 127),
          bias: new Int32Array(filters).fill(700), scale: new Float32Array(filters).fill(0.0007),
          zeroPoint: 5, pool });
        const stack = new Int8Stack({ height: 14, width: 10, zeroPoint: 100, outputScale: 1,
          layers: [layer(3, 48, false), layer(48, 80, true)] });
        const image = Uint8Array.from({ length: 420 }, (_, i) => (i * 73) % 251);
        console.log(JSON.stringify([int8Instructions() ?? 'none', ...stack.run(image, 1)]));`;
      try {
        const text = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
          cwd: repositoryRoot,
          env: { ...process.env, HEADSTART_CPU: instructions },
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        return JSON.parse(text) as [string, ...number[]];
      } catch (error) {
        expect(String(error)).toContain('this processor does not run');
        console.log(`skipped: this processor has no ${instructions}`);
        return undefined;
      }
    };
    const [none, ...levels] = run('portable') as [string, ...number[]];
    expect(none).toBe('none');
    expect(levels.length).toBe(7 * 5 * 80);
    for (const set of ['avx2', 'avx512']) {
      const [name, ...others] = run(set) ?? ['not here', ...levels];
      if (name === 'none') console.log(`skipped: this processor's ${set} has no products of bytes`);
      expect(others).toEqual(levels);
    }
  });

  it('refuses what does not fit, and says what would', () => {
    const make = (change: Partial<Int8StackOptions>) => () =>
      new Int8Stack({ ...base, height: 6, width: 6, layers: [layer(3, 16)], ...change });
    const changed = (change: Partial<Int8StackLayer>) =>
      make({ layers: [{ ...layer(3, 16), ...change }] });
    const wrong: readonly [() => Int8Stack, RegExp][] = [
      [make({ layers: [] }), /layers/],
      [make({ layers: [layer(4, 16)] }), /Int8Array of length 432 for layers\[0\]\.kernel/],
      [make({ layers: [layer(3, 20)] }), /multiple of 16 for layers\[0\]\.bias/],
      [make({ height: 5, layers: [layer(3, 16), layer(16, 16, true)] }), /halve an odd side/],
      [make({ zeroPoint: 256 }), /integer from 0 to 255 for zeroPoint/],
      [make({ outputScale: 0 }), /above 0 for outputScale/],
      [changed({ scale: new Float32Array(2) }), /length 16 for layers\[0\]\.scale/],
      [changed({ zeroPoint: -1 }), /layers\[0\]\.zeroPoint/],
      [
        changed({ scale: new Float32Array(16).fill(Number.NaN) }),
        /scale of the stack is not finite/,
      ],
      [changed({ bias: new Int32Array(16).fill(2 ** 31 - 1) }), /may not fit into 32 bits/],
    ];
    for (const [open, message] of wrong) expect(open).toThrow(message);
    const stack = make({})();
    expect(() => stack.run(new Uint8Array(10), 1)).toThrow(/Uint8Array of 108 bytes for images/);
    stack.dispose();
    stack.dispose();
    expect(() => stack.run(new Uint8Array(108), 1)).toThrow(/disposed/);
  });
});
