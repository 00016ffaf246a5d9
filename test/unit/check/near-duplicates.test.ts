import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import {
  Fingerprints,
  fingerprintInput,
  perceptualHash,
} from '../../../packages/core/dist/check/fingerprint.js';
import { HammingIndex } from '../../../packages/core/dist/check/hamming-index.js';
import { findNearDuplicates } from '../../../packages/core/dist/check/near-duplicates.js';

/** Numbers in [0, 1) by a linear congruence. */
function uniforms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('The index of 64-bit codes', () => {
  const count = 400;
  const next = uniforms(7);
  const word = () => Math.floor(next() * 2 ** 32);
  /** Codes in families: each differs from an earlier one in up to 14 bits. */
  const codes: [number, number][] = [];
  for (let i = 0; i < count; i++) {
    const [low, high] = i % 5 === 0 ? [word(), word()] : (codes[i - (i % 5)] as [number, number]);
    const code: [number, number] = [low, high];
    for (let flips = Math.floor(next() * 15); flips > 0 && i % 5 !== 0; flips--) {
      const bit = Math.floor(next() * 64);
      code[bit >> 5] = ((code[bit >> 5] as number) ^ (1 << (bit & 31))) >>> 0;
    }
    codes.push(code);
  }
  const ones = (x: number) => x.toString(2).replaceAll('0', '').length;
  const distance = (a: [number, number], b: [number, number]) =>
    ones((a[0] ^ b[0]) >>> 0) + ones((a[1] ^ b[1]) >>> 0);

  it.each([0, 4, 10, 11])('finds what comparing all finds, within %i bits', (radius) => {
    const of = (half: 0 | 1) => Uint32Array.from(codes, (code) => code[half]);
    const index = new HammingIndex(of(0), of(1));
    const found: string[] = [];
    const expected: string[] = [];
    for (let i = 0; i < count; i++) {
      index.before(i, radius, (j) => found.push(`${i} ${j}`));
      for (let j = 0; j < i; j++) {
        const near = distance(codes[i] as [number, number], codes[j] as [number, number]) <= radius;
        if (near) expected.push(`${i} ${j}`);
      }
    }
    expect(found.sort()).toEqual(expected.sort());
    if (radius > 0) expect(expected.length).toBeGreaterThan(100);
  });
});

/** A picture of smooth blots: unlike any of another seed. */
function photo(seed: number): Sharp {
  const next = uniforms(seed);
  const size = 96;
  const blots = Array.from({ length: 14 }, () => ({
    x: next() * size,
    y: next() * size,
    r: 6 + next() * 26,
    rgb: [next() * 255, next() * 255, next() * 255],
  }));
  const pixels = Buffer.alloc(size * size * 3);
  for (let i = 0; i < size * size; i++) {
    let levels = [120, 110, 100];
    for (const { x, y, r, rgb } of blots) {
      const d2 = ((i % size) - x) ** 2 + (Math.floor(i / size) - y) ** 2;
      const share = Math.exp(-d2 / (r * r));
      levels = levels.map((level, c) => level * (1 - share) + (rgb[c] as number) * share);
    }
    for (let c = 0; c < 3; c++) pixels[i * 3 + c] = levels[c] as number;
  }
  return sharp(pixels, { raw: { width: size, height: size, channels: 3 } });
}

async function fingerprintsOf(files: readonly Buffer[]): Promise<Fingerprints> {
  const fingerprints = new Fingerprints(files.length);
  for (const [i, file] of files.entries()) {
    const size = fingerprintInput;
    const rgb = await sharp(file)
      .resize(size, size, { fit: 'fill' })
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer();
    fingerprints.set(i, rgb);
  }
  return fingerprints;
}

async function pairsIn(files: readonly Buffer[]): Promise<string[]> {
  const pairs: string[] = [];
  await findNearDuplicates(await fingerprintsOf(files), (a, b) => {
    pairs.push(`${Math.min(a, b)} ${Math.max(a, b)}`);
  });
  return pairs.sort();
}

describe('Near duplicates', () => {
  it('are the same picture resized, compressed, blurred, brightened or cropped a little', async () => {
    const original = await photo(1).png().toBuffer();
    const again = () => sharp(original);
    const changed = await Promise.all([
      again().resize(40, 40).jpeg().toBuffer(),
      again().jpeg({ quality: 25 }).toBuffer(),
      again().webp({ quality: 40 }).toBuffer(),
      again().blur(1).png().toBuffer(),
      again().modulate({ brightness: 1.08 }).png().toBuffer(),
      again().extract({ left: 1, top: 1, width: 94, height: 94 }).png().toBuffer(),
    ]);
    for (const file of changed) expect(await pairsIn([original, file])).toEqual(['0 1']);
  });

  it('are not pictures of their own, nor the same one in other colours, brightness or upside down', async () => {
    const original = await photo(1).png().toBuffer();
    const others = await Promise.all([
      ...Array.from({ length: 40 }, (_, i) =>
        photo(i + 2)
          .png()
          .toBuffer(),
      ),
      sharp(original).modulate({ hue: 120 }).png().toBuffer(),
      sharp(original).modulate({ brightness: 0.5 }).png().toBuffer(),
      sharp(original).flip().png().toBuffer(),
    ]);
    expect(await pairsIn([original, ...others])).toEqual([]);
  });

  it('are not pictures of a single colour: nothing tells them apart', async () => {
    const plain = (level: number) =>
      sharp({
        create: { width: 20, height: 20, channels: 3, background: { r: level, g: 60, b: 60 } },
      })
        .png()
        .toBuffer();
    expect(await pairsIn([await plain(100), await plain(101)])).toEqual([]);
  });

  it('are found once a pair, and all of them', async () => {
    const one = await photo(1).png().toBuffer();
    const two = await photo(2).png().toBuffer();
    const files = [one, two, one, two, one];
    expect(await pairsIn(files)).toEqual(['0 2', '0 4', '1 3', '2 4']);
  });

  it('stop when they are aborted', async () => {
    const reason = new Error('enough');
    const finding = findNearDuplicates(
      await fingerprintsOf([await photo(1).png().toBuffer()]),
      () => {},
      { signal: AbortSignal.abort(reason) },
    );
    await expect(finding).rejects.toBe(reason);
  });
});

describe('A fingerprint', () => {
  it('correlates as the pixels do, channel by channel', async () => {
    const files = [await photo(3).png().toBuffer(), await photo(4).png().toBuffer()];
    const fingerprints = await fingerprintsOf(files);
    const pixels = await Promise.all(
      files.map((file) => sharp(file).resize(16, 16, { fit: 'fill' }).raw().toBuffer()),
    );
    const centred = pixels.map((levels) => {
      const mean = [0, 1, 2].map(
        (c) => levels.filter((_, i) => i % 3 === c).reduce((a, b) => a + b) / 256,
      );
      return [...levels].map((level, i) => level - (mean[i % 3] as number));
    }) as [number[], number[]];
    const dot = (a: number[], b: number[]) =>
      a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);
    const [a, b] = centred;
    const expected = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
    expect(fingerprints.compare(0, 1).correlation).toBeCloseTo(expected, 1);
    expect(fingerprints.compare(0, 0)).toEqual({
      correlation: expect.closeTo(1, 10),
      difference: 0,
    });
  });

  it('has 32 bits set of 64, as the median parts them', () => {
    const next = uniforms(5);
    const rgb = Uint8Array.from({ length: 32 * 32 * 3 }, () => next() * 256);
    const bits = perceptualHash(rgb).map((word) => word.toString(2).replaceAll('0', '').length);
    expect((bits[0] as number) + (bits[1] as number)).toBe(32);
  });
});
