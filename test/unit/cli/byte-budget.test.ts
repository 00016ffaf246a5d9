import { describe, expect, it } from 'vitest';
import { ByteBudget } from '../../../packages/cli/dist/serve/byte-budget.js';

function bodies() {
  const clock = { ms: 0 };
  const cut: string[] = [];
  const budget = new ByteBudget(100, 1000, () => clock.ms);
  const take = (name: string, bytes: number, arrived = false) =>
    budget.take(bytes, { arrived: () => arrived, cut: () => cut.push(name) });
  return { clock, cut, budget, take };
}

describe('the budget of bytes', () => {
  it('refuses what does not fit, until there is room again', () => {
    const { budget, take } = bodies();
    const release = take('a', 60);
    expect(() => take('b', 50)).toThrow('Too many uploads');
    release();
    release();
    expect(budget.used).toBe(0);
    take('b', 50);
    expect(budget.used).toBe(50);
  });

  it('makes room by cutting off what has been arriving for long, the first one first', () => {
    const { clock, cut, budget, take } = bodies();
    take('worked on', 20, true);
    take('slow', 40);
    clock.ms = 600;
    take('young', 40);
    expect(() => take('next', 30)).toThrow('Too many uploads');
    clock.ms = 1200;
    take('next', 30);
    expect(cut).toEqual(['slow']);
    expect(budget.used).toBe(90);
    expect(() => take('another', 30)).toThrow('Too many uploads');
    expect(cut).toEqual(['slow']);
  });
});
