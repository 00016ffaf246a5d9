/** Draws of numbers, one after another, for one picture. */
export interface Draw {
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
}

/** @param next uniform in [0, 1) */
export function drawFrom(next: () => number): Draw {
  return {
    between: (low, high) => low + (high - low) * next(),
    chance: (probability) => next() < probability,
    pick: (items) => items[Math.floor(next() * items.length)] as (typeof items)[number],
  };
}

/** `rgb(…)` of three levels 0..255. */
export function rgb(levels: readonly number[]): string {
  return `rgb(${levels.map((v) => Math.round(Math.min(255, Math.max(0, v)))).join(',')})`;
}

/** A colour with each level moved by up to `amount`. */
export function varied(draw: Draw, levels: readonly number[], amount: number): number[] {
  return levels.map((level) => level + draw.between(-amount, amount));
}
