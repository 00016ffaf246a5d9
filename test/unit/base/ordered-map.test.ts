import { describe, expect, it } from 'vitest';
import { mapOrdered } from '../../../packages/core/dist/base/ordered-map.js';

/** Gives these, and then waits for more until it is closed. */
function openSource(items: readonly number[]) {
  const state = { closed: false };
  async function* source() {
    try {
      yield* items;
      await new Promise<never>(() => {});
    } finally {
      state.closed = true;
    }
  }
  return { state, source };
}

const collect = async (results: AsyncIterable<number>) => {
  const all: number[] = [];
  for await (const result of results) all.push(result);
  return all;
};

describe('an ordered map', () => {
  it('gives results in order, however long each takes', async () => {
    const slowFirst = async (n: number) => {
      await new Promise((resolve) => setTimeout(resolve, 20 - 5 * n));
      return n * n;
    };
    expect(await collect(mapOrdered([1, 2, 3, 4], 3, slowFirst))).toEqual([1, 4, 9, 16]);
  });

  it('fails at once where an action does, though the source waits for its next item', async () => {
    const { source } = openSource([1, 2]);
    const action = async (n: number) => {
      if (n === 2) throw new Error('it is two');
      return n;
    };
    await expect(collect(mapOrdered(source(), 4, action))).rejects.toThrow('it is two');
  });

  it('ends at once where its reader has enough, though the source waits for its next item', async () => {
    const { source } = openSource([1]);
    for await (const result of mapOrdered(source(), 4, async (n: number) => n)) {
      expect(result).toBe(1);
      break;
    }
  });

  it('closes the source, and ends after the actions that had begun', async () => {
    const { source, state } = openSource([1, 2, 3, 4]);
    const ended: number[] = [];
    const action = async (n: number) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      ended.push(n);
      return n;
    };
    for await (const _ of mapOrdered(source(), 2, action)) break;
    expect(state.closed).toBe(true);
    expect(ended).toEqual([1, 2]);
  });
});
