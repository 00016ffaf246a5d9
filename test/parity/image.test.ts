import { readFileSync } from 'node:fs';
import { decodeImage, type ResizeMethod } from '@headstart/core/image';
import { describe, expect, it } from 'vitest';

interface Case {
  readonly name: string;
  readonly file: string;
  readonly height: number;
  readonly width: number;
  readonly resize: ResizeMethod;
  readonly expected: string;
}

const fixture = JSON.parse(
  readFileSync(new URL('../fixtures/image/pillow.json', import.meta.url), 'utf8'),
) as { readonly versions: { readonly pillow: string }; readonly cases: readonly Case[] };

/**
 * Levels out of 255. Nearest must be exact: it is what Keras feeds its networks by default. The
 * others are libvips's own kernels of the same names, in fixed point, and JPEG files may be decoded
 * at a reduced size of at least twice the target.
 */
const tolerance = {
  nearest: { largest: 0, mean: 0 },
  bilinear: { largest: 6, mean: 0.6 },
  bicubic: { largest: 6, mean: 0.3 },
  lanczos: { largest: 10, mean: 0.3 },
} as const;

describe(`Resizing against Pillow ${fixture.versions.pillow}`, () => {
  for (const { name, file, expected, ...options } of fixture.cases) {
    it(`gives the same picture: ${name}`, async () => {
      const pixels = await decodeImage(Buffer.from(file, 'base64'), options, name);
      const reference = Buffer.from(expected, 'base64');
      expect(pixels.length).toBe(reference.length);
      const { largest, mean } = tolerance[options.resize];
      const differences = reference.map((level, i) => Math.abs(level - (pixels[i] as number)));
      expect(Math.max(...differences)).toBeLessThanOrEqual(largest);
      expect(differences.reduce((a, b) => a + b, 0) / differences.length).toBeLessThanOrEqual(mean);
    });
  }
});
