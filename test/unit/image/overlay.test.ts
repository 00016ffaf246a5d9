import { expect, test } from 'vitest';
import { overlayHeat } from '#core/image';

test('heat lies on what the backbone saw: not on what was cut off after scaling', () => {
  const [height, width] = [4, 8];
  const pixels = new Uint8Array(height * width * 3).fill(100);
  const picture = { height, width, pixels, original: { height: 40, width: 80 } };
  const heat = { height: 1, width: 1, values: Float32Array.of(1) };
  // The shorter side to 4, so 8x4, of which the middle 2x2 is seen.
  const input = { height: 2, width: 2, fit: 'shorter-4' as const };
  const painted = overlayHeat(picture, heat, { input });
  const changed = Array.from({ length: height * width }, (_, i) => painted[3 * i] !== 100);
  const expected = changed.map(
    (_, i) => [1, 2].includes(Math.floor(i / width)) && [3, 4].includes(i % width),
  );
  expect(changed).toEqual(expected);
});
