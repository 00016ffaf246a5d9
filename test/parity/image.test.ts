import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeImage, type Fit, type ResizeMethod } from '#core/image';

interface Case {
  readonly name: string;
  readonly file: string;
  readonly height: number;
  readonly width: number;
  readonly resize: ResizeMethod;
  readonly fit: Fit;
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

/** Levels out of 255. What is decoded whole is resized to the bit as Pillow does it. */
const exact: Tolerance = { largest: 0, mean: 0 };
/** A JPEG decoded at a reduced size. */
const reduced: Tolerance = { largest: 8, mean: 0.6 };
/** Of an odd side then half a pixel is too many. */
const oddReduced: Tolerance = { largest: 17, mean: 3.3 };

function toleranceOf({ name, resize, fit, oddJpeg }: Case): Tolerance {
  if (resize === 'nearest' || fit === 'crop' || !name.startsWith('JPEG')) return exact;
  return oddJpeg ? oddReduced : reduced;
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
