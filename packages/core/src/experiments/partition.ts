import { createHash } from 'node:crypto';
import { HeadstartError } from '../base/errors.ts';
import { plural } from '../base/plural.ts';

/** What decides the fold of an image. */
export interface FoldSample {
  readonly name: string;
  readonly label: number;
  /** SHA-256 of the image file, where known: files of the same bytes come to one fold. */
  readonly hash?: string | undefined;
  /** What belongs together and must not be torn apart, as pictures of one patient. */
  readonly group?: string | undefined;
}

export interface PartitionOptions {
  readonly folds: number;
  readonly seed: number;
}

/** Samples that come to one fold together. */
interface Cluster {
  /** The least of the members' hashes, or names where they have none: the order is no matter. */
  key: string;
  readonly members: number[];
}

/**
 * The fold of each sample, 0 to folds - 1: stratified by label, with groups and files of the same
 * bytes whole. It follows from contents and the seed, not from names and places.
 *
 * The largest clusters come first, equal ones in the order of SHA-256 of (seed, key); each goes to
 * the fold that has least of its classes, as scikit-learn's StratifiedGroupKFold does in essence.
 *
 * @throws HeadstartError `USAGE` where there are fewer groups of images than folds
 */
export function assignFolds(
  samples: readonly FoldSample[],
  { folds, seed }: PartitionOptions,
): Int32Array {
  const clusters = clustersOf(samples);
  if (clusters.length < folds) {
    throw new HeadstartError(
      'USAGE',
      `${plural(clusters.length, 'different image or group', 'different images or groups')} cannot make ${folds} folds: use fewer folds or more images.`,
    );
  }
  const classes = countsOf(samples.map(({ label }) => label));
  const filled = Array.from({ length: folds }, () => new Map<number, number>());
  const sizes = new Int32Array(folds);
  const assigned = new Int32Array(samples.length);
  for (const { members } of inOrder(clusters, seed)) {
    const added = countsOf(members.map((i) => (samples[i] as FoldSample).label));
    const fold = emptiest(added, classes, filled, sizes);
    const counts = filled[fold] as Map<number, number>;
    for (const [label, n] of added) counts.set(label, (counts.get(label) ?? 0) + n);
    sizes[fold] = (sizes[fold] as number) + members.length;
    for (const i of members) assigned[i] = fold;
  }
  return assigned;
}

/** Samples that are linked by a group or by content, also through others. */
export function clustersOf(samples: readonly FoldSample[]): Cluster[] {
  const parent = samples.map((_, i) => i);
  const root = (i: number): number => {
    let at = i;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at] as number] as number;
      at = parent[at] as number;
    }
    return at;
  };
  const first = new Map<string, number>();
  samples.forEach(({ hash, group }, i) => {
    for (const link of [hash && `hash ${hash}`, group && `group ${group}`]) {
      if (!link) continue;
      const known = first.get(link);
      if (known === undefined) first.set(link, i);
      else parent[root(i)] = root(known);
    }
  });
  const clusters = new Map<number, Cluster>();
  samples.forEach(({ hash, name }, i) => {
    const at = root(i);
    const own = hash ?? name;
    const cluster = clusters.get(at) ?? { key: own, members: [] };
    if (own < cluster.key) cluster.key = own;
    cluster.members.push(i);
    clusters.set(at, cluster);
  });
  return [...clusters.values()];
}

function inOrder(clusters: readonly Cluster[], seed: number): Cluster[] {
  const rank = (key: string) => createHash('sha256').update(`folds:${seed}:${key}`).digest('hex');
  return clusters
    .map((cluster) => ({ cluster, rank: rank(cluster.key) }))
    .sort((a, b) => {
      const larger = b.cluster.members.length - a.cluster.members.length;
      return larger || (a.rank < b.rank ? -1 : 1);
    })
    .map(({ cluster }) => cluster);
}

/** The fold whose classes are least full of what is to be added; the smallest among equals. */
function emptiest(
  added: ReadonlyMap<number, number>,
  classes: ReadonlyMap<number, number>,
  filled: readonly ReadonlyMap<number, number>[],
  sizes: Int32Array,
): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  filled.forEach((counts, fold) => {
    let cost = 0;
    for (const [label, n] of added) {
      cost += (n * (2 * (counts.get(label) ?? 0) + n)) / (classes.get(label) as number);
    }
    const smaller = (sizes[fold] as number) < (sizes[best] as number);
    if (cost < least - 1e-9 || (cost < least + 1e-9 && smaller)) {
      best = fold;
      least = cost;
    }
  });
  return best;
}

function countsOf(labels: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

/** Where `fold` is and where it is not. */
export function splitByFold(
  assigned: Int32Array,
  fold: number,
): { readonly inside: Int32Array; readonly outside: Int32Array } {
  const inside: number[] = [];
  const outside: number[] = [];
  assigned.forEach((own, i) => {
    (own === fold ? inside : outside).push(i);
  });
  return { inside: Int32Array.from(inside), outside: Int32Array.from(outside) };
}
