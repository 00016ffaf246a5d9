import { createHash } from 'node:crypto';
import type { Sample } from './types.ts';

export interface SplitOptions {
  /** Share of each class that validates, between 0 and 1. */
  readonly fraction: number;
  readonly seed: number;
}

export interface SplitSamples {
  readonly train: Sample[];
  readonly validation: Sample[];
}

/**
 * Splits each class in the same proportion (stratified). Which side a file comes to depends on its
 * content and the seed, not on its name or place; files of the same bytes come to the same side,
 * also across classes. A class with at least two contents has one on each side.
 *
 * Within a class, contents are ordered by SHA-256 of (seed, content hash), and the first
 * round(fraction · n) validate.
 *
 * @param samples in order; both results keep it
 */
export function splitSamples(samples: readonly Sample[], options: SplitOptions): SplitSamples {
  const { fraction, seed } = options;
  const contents = new Map<number, Set<string>>();
  for (const { label, hash } of samples) {
    contents.set(label, (contents.get(label) ?? new Set()).add(hash));
  }
  const validates = new Map<string, boolean>();
  for (const label of [...contents.keys()].sort((a, b) => a - b)) {
    assignClass([...(contents.get(label) as Set<string>)], { fraction, seed }, validates);
  }
  const train: Sample[] = [];
  const validation: Sample[] = [];
  for (const sample of samples) (validates.get(sample.hash) ? validation : train).push(sample);
  return { train, validation };
}

/** What an earlier class decided about a content stands, and counts for this class too. */
function assignClass(
  hashes: readonly string[],
  options: SplitOptions,
  validates: Map<string, boolean>,
): void {
  let wanted = validationCount(hashes.length, options.fraction);
  for (const hash of hashes) if (validates.get(hash)) wanted--;
  const open = hashes
    .filter((hash) => !validates.has(hash))
    .map((hash) => ({ hash, rank: keyedHash(options.seed, hash) }))
    .sort((a, b) => (a.rank < b.rank ? -1 : 1));
  open.forEach(({ hash }, i) => {
    validates.set(hash, i < wanted);
  });
}

/** How many of n contents validate: at least one and not all, where there are two or more. */
function validationCount(n: number, fraction: number): number {
  if (n < 2) return 0;
  return Math.min(n - 1, Math.max(1, Math.round(fraction * n)));
}

function keyedHash(seed: number, hash: string): string {
  return createHash('sha256').update(`${seed}:${hash}`).digest('hex');
}
