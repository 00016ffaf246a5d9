import { permutation, randomDomain, uniforms } from '@headstart/native';
import { describe, expect, test } from 'vitest';

type Words = [number, number, number, number];

/** Philox4x32-10 written from the paper, to hold the addon against. */
function philox(counter: Words, key: [number, number]): Words {
  let [c0, c1, c2, c3] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [k0, k1] = key.map(BigInt) as [bigint, bigint];
  const low = (value: bigint) => value & 0xffffffffn;
  for (let round = 0; round < 10; round++) {
    const p0 = 0xd2511f53n * c0;
    const p1 = 0xcd9e8d57n * c2;
    [c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, low(p1), (p0 >> 32n) ^ c3 ^ k1, low(p0)];
    [k0, k1] = [low(k0 + 0x9e3779b9n), low(k1 + 0xbb67ae85n)];
  }
  return [c0, c1, c2, c3].map(Number) as Words;
}

const words = (values: Float64Array) => Array.from(values, (value) => value * 2 ** 32);

describe('Philox', () => {
  test('the reference of this test gives the known answers of Random123', () => {
    const all = 0xffffffff;
    expect(philox([0, 0, 0, 0], [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
    expect(philox([all, all, all, all], [all, all])).toEqual([
      0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd,
    ]);
    expect(
      philox([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0]),
    ).toEqual([0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]);
  });

  test('the addon gives the first known answer', () => {
    expect(words(uniforms({ seed: 0, domain: 0 }, 4))).toEqual([
      0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8,
    ]);
  });

  test.each([
    { seed: 1, domain: 255, counter: [0, 0, 0] },
    { seed: Number.MAX_SAFE_INTEGER, domain: 3, counter: [1, 2, 0xffffffff] },
    { seed: 2 ** 32 + 12345, domain: 16, counter: [0xffffffff, 7, 9] },
  ] as const)('key and counter are made of the stream: %o', ({ seed, domain, counter }) => {
    const key: [number, number] = [seed % 2 ** 32, Math.floor(seed / 2 ** 32) + domain * 2 ** 24];
    const expected = [0, 1, 2].flatMap((block) => philox([block, ...counter], key));
    expect(words(uniforms({ seed, domain, counter }, 10))).toEqual(expected.slice(0, 10));
  });
});

describe('uniforms', () => {
  test('are in [0, 1) with the mean and spread of a uniform distribution', () => {
    const values = uniforms({ seed: 5, domain: randomDomain.split }, 100_000);
    expect(values.every((value) => value >= 0 && value < 1)).toBe(true);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.005);
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.002);
  });

  test('a longer draw begins with the shorter one, and none at all is empty', () => {
    const stream = { seed: 9, domain: 1, counter: [1, 2, 3] } as const;
    expect(uniforms(stream, 11).slice(0, 6)).toEqual(uniforms(stream, 6));
    expect(uniforms(stream, 0)).toHaveLength(0);
  });

  test('a wrong stream or count is refused by name', () => {
    const expected = (pattern: RegExp) =>
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringMatching(pattern),
      });
    const call = (stream: unknown, count: unknown) => () =>
      uniforms(stream as never, count as never);
    expect(call({ seed: -1, domain: 0 }, 1)).toThrow(expected(/seed.*-1/));
    expect(call({ seed: 2 ** 53, domain: 0 }, 1)).toThrow(expected(/seed/));
    expect(call({ seed: 0.5, domain: 0 }, 1)).toThrow(expected(/seed/));
    expect(call({ seed: 0, domain: 256 }, 1)).toThrow(expected(/domain.*256/));
    expect(call({ seed: 0, domain: 0, counter: [0, 0] }, 1)).toThrow(expected(/counter/));
    expect(call({ seed: 0, domain: 0, counter: [0, 0, 2 ** 32] }, 1)).toThrow(expected(/counter/));
    expect(call({ seed: 0, domain: 0 }, -1)).toThrow(expected(/count/));
    expect(call({ seed: 0, domain: 0 }, '3')).toThrow(expected(/count.*"3"/));
    expect(call(undefined, 1)).toThrow(expected(/stream.*undefined/));
  });
});

describe('permutation', () => {
  test.each([0, 1, 2, 3, 1000])('holds each of %i indices once', (n) => {
    const sorted = permutation({ seed: 3, domain: randomDomain.shuffle }, n).sort();
    expect(Array.from(sorted)).toEqual(Array.from({ length: n }, (_, i) => i));
  });

  test('all orders of three are equally likely', () => {
    const counts = new Map<string, number>();
    for (let draw = 0; draw < 6000; draw++) {
      const order = permutation({ seed: 1, domain: 1, counter: [draw, 0, 0] }, 3).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});
