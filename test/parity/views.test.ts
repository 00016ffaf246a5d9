import { readFileSync } from 'node:fs';
import { applyView } from '@headstart/core/image';
import { describe, expect, it } from 'vitest';

interface Case {
  readonly flip: boolean;
  readonly shiftX: number;
  readonly shiftY: number;
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
});
