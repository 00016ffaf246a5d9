import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { applyView, type ViewTransform } from '#core/image';

interface Case extends ViewTransform {
  readonly expected: string;
}

const fixture = JSON.parse(
  readFileSync(new URL('../fixtures/views/keras.json', import.meta.url), 'utf8'),
) as {
  readonly versions: { readonly keras: string };
  readonly height: number;
  readonly width: number;
  readonly image: string;
  readonly cases: readonly Case[];
  readonly side: number;
  readonly square: string;
  readonly turned: readonly Case[];
};

describe(`Views against Keras ${fixture.versions.keras}`, () => {
  const pixels = Buffer.from(fixture.image, 'base64');
  for (const { expected, ...view } of fixture.cases) {
    it(`are equal within one level, by rounding: ${JSON.stringify(view)}`, () => {
      const reference = Buffer.from(expected, 'base64');
      const output = applyView(pixels, fixture, view);
      const differences = reference.map((level, i) => Math.abs(level - (output[i] as number)));
      expect(Math.max(...differences)).toBeLessThanOrEqual(1);
      const unequal = differences.filter((difference) => difference > 0).length;
      expect(unequal / differences.length).toBeLessThan(0.02);
    });
  }

  const square = { height: fixture.side, width: fixture.side };
  const squarePixels = Buffer.from(fixture.square, 'base64');
  for (const { expected, ...view } of fixture.turned) {
    it(`are equal within a level, two where brightness changes: ${JSON.stringify(view)}`, () => {
      const reference = Buffer.from(expected, 'base64');
      const output = applyView(squarePixels, square, view);
      // Pillow cuts levels off before and after it multiplies; here they are rounded once.
      const most = view.brightness === undefined ? 1 : 1 + Math.ceil(view.brightness);
      const differences = reference.map((level, i) => Math.abs(level - (output[i] as number)));
      expect(Math.max(...differences)).toBeLessThanOrEqual(most);
      if (view.brightness !== undefined) return;
      // Zooms by such factors give many halves, which NumPy rounds to even and we round up.
      const unequal = differences.filter((difference) => difference > 0).length;
      expect(unequal / differences.length).toBeLessThan(0.06);
    });
  }
});
