import { readFileSync } from 'node:fs';
import { decodeImage, type Fit, type ResizeMethod } from '@headstart/core/image';
import { describe, expect, it } from 'vitest';

interface Case {
  readonly name: string;
  readonly file: string;
  readonly height: number;
  readonly width: number;
  readonly resize: ResizeMethod;
  readonly fit: Fit;
  readonly enlarges: boolean;
  readonly oddJpeg: boolean;
  readonly expected: string;
}

const fixture = JSON.parse(
  readFileSync(new URL('../fixtures/image/pillow.json', import.meta.url), 'utf8'),
) as {
  readonly versions: { readonly pillow: string; readonly keras: string };
  readonly cases: readonly Case[];
};

interface Tolerance {
  readonly largest: number;
  readonly mean: number;
}

/**
 * Levels out of 255. Nearest must be exact: it is what Keras feeds its networks by default. The
 * others are libvips's own kernels of the same names, in fixed point.
 */
const tolerances: Readonly<Record<ResizeMethod, Tolerance>> = {
  nearest: { largest: 0, mean: 0 },
  bilinear: { largest: 8, mean: 0.6 },
  bicubic: { largest: 6, mean: 0.3 },
  lanczos: { largest: 12, mean: 0.3 },
};

/** Of a JPEG decoded at half its size, an odd side has half a pixel too many. */
const oddJpeg: Tolerance = { largest: 17, mean: 3.3 };
/** Where libvips enlarges, edges come to stand up to a fifth of a pixel away. */
const enlarged: Tolerance = { largest: 50, mean: 1.6 };

function toleranceOf({ resize, ...one }: Case): Tolerance {
  if (resize === 'nearest') return tolerances.nearest;
  if (one.oddJpeg) return oddJpeg;
  return one.enlarges ? enlarged : tolerances[resize];
}

describe(`Resizing against Pillow ${fixture.versions.pillow} and Keras ${fixture.versions.keras}`, () => {
  for (const one of fixture.cases) {
    const { name, file, expected, ...options } = one;
    it(`gives the same picture: ${name}`, async () => {
      const pixels = await decodeImage(Buffer.from(file, 'base64'), options, name);
      const reference = Buffer.from(expected, 'base64');
      expect(pixels.length).toBe(reference.length);
      const { largest, mean } = toleranceOf(one);
      const differences = reference.map((level, i) => Math.abs(level - (pixels[i] as number)));
      expect(Math.max(...differences)).toBeLessThanOrEqual(largest);
      expect(differences.reduce((a, b) => a + b, 0) / differences.length).toBeLessThanOrEqual(mean);
    });
  }
});
