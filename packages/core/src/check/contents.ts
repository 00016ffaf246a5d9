import type { Sample } from '../dataset/index.ts';
import type { Part } from './types.ts';

export type PlacedSample = Sample & { readonly part: Part };

/** The files of the same bytes. */
export interface Content {
  readonly hash: string;
  /** At least one. */
  readonly samples: readonly PlacedSample[];
}

/** The samples of all parts by their content, in the order given. */
export function contentsOf(
  parts: Readonly<Record<Part, readonly Sample[] | undefined>>,
): Content[] {
  const byHash = new Map<string, PlacedSample[]>();
  for (const part of ['train', 'validation', 'test'] as const) {
    for (const sample of parts[part] ?? []) {
      const placed = { ...sample, part };
      const known = byHash.get(sample.hash);
      if (known) known.push(placed);
      else byHash.set(sample.hash, [placed]);
    }
  }
  return [...byHash].map(([hash, samples]) => ({ hash, samples }));
}
