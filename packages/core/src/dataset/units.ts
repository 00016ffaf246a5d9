import type { Grouping } from './groups.ts';
import type { Sample } from './types.ts';

/** What must stay together: a group, or the files of one content. */
export interface Unit {
  readonly samples: readonly Sample[];
  /** How many contents it has of each class that it has. */
  readonly counts: ReadonlyMap<number, number>;
  /** What its place in the order follows from: the group's name, or the content's hash. */
  readonly key: string;
}

/** Groups that share a content are one unit, as are the classes that share one. */
export function unitsOf(samples: readonly Sample[], groupsOf: Grouping | undefined): Unit[] {
  if (!groupsOf) return contentUnits(samples);
  const groups = groupsOf(samples);
  const sets = new DisjointSets();
  samples.forEach(({ hash }, i) => {
    const group = groups[i];
    if (group !== undefined) sets.join(contentKey(hash), groupKey(group));
  });
  const members = new Map<string, number[]>();
  samples.forEach(({ hash }, i) => {
    const root = sets.rootOf(contentKey(hash));
    const indices = members.get(root);
    if (indices) indices.push(i);
    else members.set(root, [i]);
  });
  const ofOne = new Map<number, ReadonlyMap<number, number>>();
  return [...members.values()].map((indices) => {
    const own = indices.map((i) => samples[i] as Sample);
    return { samples: own, counts: countContents(own, ofOne), key: keyOf(own, indices, groups) };
  });
}

function contentUnits(samples: readonly Sample[]): Unit[] {
  const byHash = new Map<string, Sample[]>();
  for (const sample of samples) {
    const same = byHash.get(sample.hash);
    if (same) same.push(sample);
    else byHash.set(sample.hash, [sample]);
  }
  const ofOne = new Map<number, ReadonlyMap<number, number>>();
  return [...byHash].map(([key, own]) => ({
    samples: own,
    counts: countContents(own, ofOne),
    key,
  }));
}

const contentKey = (hash: string) => `content ${hash}`;
const groupKey = (name: string) => `group ${name}`;

function keyOf(
  samples: readonly Sample[],
  indices: readonly number[],
  groups: readonly (string | undefined)[],
): string {
  const [first] = indices.flatMap((i) => groups[i] ?? []).sort();
  return first === undefined ? (samples[0]?.hash ?? '') : groupKey(first);
}

/** @param ofOne the counts of units that are one sample, by its label: most are, and share them */
function countContents(
  samples: readonly Sample[],
  ofOne: Map<number, ReadonlyMap<number, number>>,
): ReadonlyMap<number, number> {
  const [first] = samples;
  if (first && samples.length === 1) {
    const counts = ofOne.get(first.label) ?? new Map([[first.label, 1]]);
    ofOne.set(first.label, counts);
    return counts;
  }
  const contents = new Map<number, Set<string>>();
  for (const { label, hash } of samples) {
    const known = contents.get(label);
    if (known) known.add(hash);
    else contents.set(label, new Set([hash]));
  }
  return new Map([...contents].map(([label, { size }]) => [label, size]));
}

/** Union-find with path halving (Tarjan and van Leeuwen 1984). */
class DisjointSets {
  readonly #parents = new Map<string, string>();

  rootOf(item: string): string {
    let at = item;
    for (;;) {
      const parent = this.#parents.get(at) ?? at;
      if (parent === at) return at;
      const next = this.#parents.get(parent) ?? parent;
      this.#parents.set(at, next);
      at = next;
    }
  }

  join(a: string, b: string): void {
    const [root, other] = [this.rootOf(a), this.rootOf(b)];
    if (root !== other) this.#parents.set(other, root);
  }
}
