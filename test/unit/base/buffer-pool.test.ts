import { expect, it } from 'vitest';
import { BufferPool } from '../../../packages/core/src/base/buffer-pool.ts';

it('gives a buffer again that was given back, of the length that is asked for', () => {
  const pool = new BufferPool(2);
  const one = pool.take(10);
  const other = pool.take(10);
  expect(other).not.toBe(one);
  pool.give(one);
  expect(pool.take(11)).toHaveLength(11);
  expect(pool.take(10)).toBe(one);
  expect(pool.take(10)).not.toBe(one);
});

it('keeps so many and no more', () => {
  const pool = new BufferPool(2);
  const all = [1, 2, 3].map((length) => pool.take(length));
  for (const buffer of all) pool.give(buffer);
  expect(pool.take(1)).not.toBe(all[0]);
  expect(pool.take(2)).toBe(all[1]);
});
